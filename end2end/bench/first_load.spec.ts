// What a phone on the move waits for: the first load of the hub over "Fast 3G" with a processor four times slower.
import type { CDPSession } from '@playwright/test';
import { expect, test } from '../fixtures/test';
import { makeHub, manyRepos } from '../fixtures/hub';

/** Fast 3G as Chromium's developer tools have it: bytes per second, milliseconds. */
const FAST_3G = { offline: false, downloadThroughput: (1.6 * 1024 * 1024 * 0.9) / 8, uploadThroughput: (750 * 1024 * 0.9) / 8, latency: 562.5 };

/** Adds up what comes over the wire, compressed as it comes. */
function counted(cdp: CDPSession): Map<string, number> {
  const urls = new Map<string, string>();
  const bytes = new Map<string, number>();
  cdp.on('Network.requestWillBeSent', event => urls.set(event.requestId, new URL(event.request.url).pathname));
  cdp.on('Network.loadingFinished', event => {
    const url = urls.get(event.requestId) ?? '?';
    bytes.set(url, (bytes.get(url) ?? 0) + event.encodedDataLength);
  });
  return bytes;
}

for (const n of [3, 20]) {
  test(`first load of a hub of ${n} repositories`, async ({ page, workplace }) => {
    await page.setViewportSize({ width: 390, height: 844 });
    const first = workplace.repo('alpha', ['One']);
    makeHub(workplace, first);
    manyRepos(workplace, first, n - 1);
    const server = await workplace.serve(workplace.dir);
    await server.open(page);
    const figures: number[][] = [];
    for (let round = 0; round < 5; round++) {
      await page.goto('about:blank');
      const cdp = await page.context().newCDPSession(page);
      await cdp.send('Network.enable');
      await cdp.send('Network.clearBrowserCache');
      await cdp.send('Network.setCacheDisabled', { cacheDisabled: true });
      await cdp.send('Network.setBypassServiceWorker', { bypass: true });
      await cdp.send('Network.emulateNetworkConditions', FAST_3G);
      await cdp.send('Emulation.setCPUThrottlingRate', { rate: 4 });
      const bytes = counted(cdp);
      await page.goto(server.url, { waitUntil: 'commit' });
      await expect(page.locator('html[data-ready]')).toBeAttached({ timeout: 60_000 });
      const [paint, ready] = await page.evaluate(() => new Promise<[number, number]>(done => {
        const ready = performance.now();
        new PerformanceObserver(list => done([list.getEntries().at(-1)!.startTime, ready]))
          .observe({ type: 'largest-contentful-paint', buffered: true });
      }));
      const total = [...bytes.values()].reduce((sum, one) => sum + one, 0);
      figures.push([paint, ready, total / 1000]);
      if (round === 0) {
        for (const [url, size] of [...bytes].sort((a, b) => b[1] - a[1])) console.log(`  ${(size / 1000).toFixed(1).padStart(8)} kB  ${url}`);
      }
      await cdp.detach();
    }
    const median = (which: number) => figures.map(one => one[which]).sort((a, b) => a - b)[2];
    console.log(`hub of ${n}, largest contentful paint  ${median(0).toFixed(0)} ms, at most 2000`);
    console.log(`hub of ${n}, interactive               ${median(1).toFixed(0)} ms, at most 5000`);
    console.log(`hub of ${n}, transferred               ${median(2).toFixed(0)} kB, at most 500`);
  });
}
