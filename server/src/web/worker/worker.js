// The worker of the site whose version stands above. It answers only for pages that the server does not answer for.
const CACHE = `car-${VERSION}`;
const base = new URL(self.registration.scope);
const at = path => new URL(path, base).href;
const KEPT = ['offline', 'offline.js', 'pkg/car.css', 'favicon.svg'].map(at);

self.addEventListener('install', event => {
  // `reload`: what an older version left in the browser's own cache is not kept under this one's name.
  const kept = KEPT.map(url => new Request(url, { cache: 'reload', credentials: 'same-origin' }));
  event.waitUntil(caches.open(CACHE).then(cache => cache.addAll(kept)).then(() => self.skipWaiting()));
});

self.addEventListener('activate', event => {
  const drop = async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith('car-') && name !== CACHE) await caches.delete(name);
    }
    await self.clients.claim();
  };
  event.waitUntil(drop());
});

self.addEventListener('fetch', event => {
  const { request } = event;
  if (request.method !== 'GET' || !request.url.startsWith(base.href)) return;
  if (request.mode === 'navigate') {
    event.respondWith(fetch(request).catch(() => caches.match(at('offline'), { cacheName: CACHE })));
  } else if (KEPT.includes(request.url)) {
    event.respondWith(fetch(request).catch(async error => {
      const kept = await caches.match(request.url, { cacheName: CACHE });
      if (!kept) throw error;
      return kept;
    }));
  }
});
