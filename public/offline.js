// Shows what the hub last showed in this browser. All of it is text, never markup.
const again = document.getElementById('again');
again.addEventListener('click', event => {
  event.preventDefault();
  location.reload();
});
addEventListener('online', () => location.reload());

try {
  const theme = document.cookie.match(/(?:^|; )car_theme=(dark|light)/)?.[1];
  if (theme) document.documentElement.dataset.theme = theme;
  const base = document.documentElement.dataset.base;
  const last = JSON.parse(localStorage.getItem(`car-last-hub:${base}`) ?? 'null');
  if (Array.isArray(last?.rows)) {
    const when = new Date(last.at).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
    document.getElementById('known').textContent =
      `The server cannot be reached from here. This is what was known on ${when}.`;
    const element = (name, className, text) => {
      const made = document.createElement(name);
      made.className = className;
      if (text) made.textContent = text;
      return made;
    };
    const list = document.getElementById('rows');
    for (const { name, shape, word, detail } of last.rows) {
      const row = element('li', 'item');
      const state = element('span', `state state--${/^[a-z]+$/.test(shape) ? shape : 'idle'}`);
      const glyph = element('span', 'state__glyph');
      glyph.setAttribute('aria-hidden', 'true');
      state.append(glyph, element('span', '', word));
      const main = element('span', 'item__main');
      main.append(element('span', 'item__title', name), element('span', 'item__sub clip', detail));
      row.append(main, state);
      list.append(row);
    }
    document.getElementById('last').hidden = last.rows.length === 0;
  }
} catch {
  // A browser that stores nothing still has the page.
}
