// The terminal of the browser, loaded when the first one is opened. Every `xterm…` module the page's program imports is
// this file; the names below are empty until `load` has filled them.
export let Terminal, FitAddon, SearchAddon, Unicode11Addon, WebLinksAddon, WebglAddon;

const home = './vendor/xterm-6.0.0';
let loading;

/** Loads everything; at the first failure it may be tried again. */
export function load() {
  loading ??= Promise.all([
    import(`${home}/xterm.mjs`).then(module => { Terminal = module.Terminal; }),
    import(`${home}/addon-fit.mjs`).then(module => { FitAddon = module.FitAddon; }),
    import(`${home}/addon-search.mjs`).then(module => { SearchAddon = module.SearchAddon; }),
    import(`${home}/addon-unicode11.mjs`).then(module => { Unicode11Addon = module.Unicode11Addon; }),
    import(`${home}/addon-web-links.mjs`).then(module => { WebLinksAddon = module.WebLinksAddon; }),
    import(`${home}/addon-webgl.mjs`).then(module => { WebglAddon = module.WebglAddon; }),
  ]).catch(error => { loading = undefined; throw error; });
  return loading;
}

/**
 * Runs `work`, in which xterm makes style elements. The page's policy allows those only with the nonce of this page, and
 * xterm knows of none.
 */
export function styled(work) {
  const nonce = document.querySelector('script[nonce]')?.nonce ?? '';
  const create = Document.prototype.createElement;
  document.createElement = function (name, ...rest) {
    const element = create.call(this, name, ...rest);
    if (String(name).toLowerCase() === 'style') element.nonce = nonce;
    return element;
  };
  try {
    return work();
  } finally {
    delete document.createElement;
  }
}
