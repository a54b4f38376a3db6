// The installed application: what Chromium asks of one, the page without a server, and that nothing old outlives an upgrade.
import { chromium } from '@playwright/test';
import { expect, test } from '../fixtures/test';
import { makeHub } from '../fixtures/hub';

test('Chromium would install it, under a base path as well', async ({ page, workplace }) => {
  const repo = workplace.repo('tides', ['One'], 0);
  for (const args of [[], ['--base-path', '/car']]) {
    const server = await workplace.serve(repo.root, undefined, args);
    await page.goto(server.loginLink);
    await expect(page.getByRole('heading', { level: 1, name: 'tides' })).toBeVisible();
    const cdp = await page.context().newCDPSession(page);
    const manifest = await cdp.send('Page.getAppManifest');
    expect(manifest.errors).toEqual([]);
    expect(JSON.parse(manifest.data ?? '{}').name).toBe('CAR');
    const { installabilityErrors } = await cdp.send('Page.getInstallabilityErrors');
    // A browser of tests is a private one; that is the only thing in the way.
    expect(installabilityErrors.map(error => error.errorId).filter(id => id !== 'in-incognito')).toEqual([]);
    const icons = JSON.parse(manifest.data ?? '{}').icons as { src: string; sizes: string }[];
    for (const { src } of icons) {
      expect((await page.request.get(new URL(src, manifest.url).href)).status()).toBe(200);
    }
    await cdp.detach();
    await page.goto('about:blank');
    await server.stop();
  }
});

test('without its server the application shows the last known hub with its date', async ({ workplace }) => {
  test.setTimeout(120_000);
  const alpha = workplace.repo('alpha', ['One', 'Two'], 0);
  workplace.repo('beta', ['Three'], 0);
  makeHub(workplace, alpha);
  const server = await workplace.serve(workplace.dir);
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  const page = await browser.newPage();
  await page.goto(server.loginLink);
  await page.waitForURL(`${server.url}/`);
  await expect(page.locator('html[data-ready]')).toBeAttached();
  await page.evaluate(async () => { await navigator.serviceWorker.ready; });
  const kept = () => page.evaluate(async () => {
    const names = await caches.keys();
    const urls = await Promise.all(names.map(async name => (await (await caches.open(name)).keys()).map(request => new URL(request.url).pathname)));
    return { names, urls: urls.flat() };
  });
  const before = await kept();
  expect(before.names).toHaveLength(1);
  expect(before.urls.filter(url => /wasm|car\.js|\/$/.test(url)), 'no page and no program is kept').toEqual([]);
  await server.stop();
  await page.goto(`${server.url}/repos/alpha`);
  await expect(page.getByRole('heading', { level: 1, name: 'Offline' })).toBeVisible();
  await expect(page.getByText(/This is what was known on .*20\d\d/)).toBeVisible();
  await expect(page.getByRole('list').getByText('alpha')).toBeVisible();
  await expect(page.getByRole('list').getByText('Next: One').or(page.getByRole('list').getByText('One'))).toBeVisible();
  await workplace.serve(workplace.dir, server);
  await page.getByRole('link', { name: 'Try again' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'alpha' })).toBeVisible();
  // What a worker of another version left goes when this one takes over.
  await page.evaluate(async () => {
    await (await caches.open('car-older')).put('/old', new Response('old'));
    const registration = await navigator.serviceWorker.ready;
    await registration.unregister();
  });
  await page.reload();
  await expect.poll(async () => (await kept()).names.filter(name => name === 'car-older')).toEqual([]);
  await browser.close();
});
