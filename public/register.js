// Lets the browser keep the offline page. Where a worker is not allowed, nothing is kept and nothing else breaks.
const base = document.documentElement.dataset.base ?? '';
navigator.serviceWorker?.register(`${base}/sw.js`, { scope: `${base}/` }).catch(() => {});
