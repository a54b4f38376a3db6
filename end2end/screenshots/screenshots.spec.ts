// Pictures of every screen for the documentation: `make screenshots`. Not part of the tests.
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from '../fixtures/test';
import { screens, showcase } from '../fixtures/showcase';

const folder = resolve(import.meta.dirname, '../../docs/screenshots');
const sizes = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };

test('every screen', async ({ browser, workplace }) => {
  test.setTimeout(900_000);
  mkdirSync(folder, { recursive: true });
  const server = await showcase(workplace);
  const state = await (async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(server.loginLink);
    await page.waitForURL(`${server.url}/`);
    const state = await context.storageState();
    await context.close();
    return state;
  })();
  for (const colorScheme of ['dark', 'light'] as const) {
    for (const [size, viewport] of Object.entries(sizes)) {
      const options = { viewport, colorScheme, reducedMotion: 'reduce' as const, serviceWorkers: 'block' as const };
      const stranger = await browser.newContext(options);
      const login = await stranger.newPage();
      await login.goto(`${server.url}/login`);
      await login.screenshot({ path: `${folder}/login-${size}-${colorScheme}.png` });
      await stranger.close();
      const context = await browser.newContext({ ...options, storageState: state });
      const page = await context.newPage();
      for (const [name, address] of Object.entries(screens)) {
        await page.goto(server.url + address);
        await expect(page.locator('html[data-ready]')).toBeAttached();
        if (name.startsWith('hub-') && name !== 'hub-select') await expect(page.locator('dialog:modal h2')).toBeVisible();
        await page.screenshot({ path: `${folder}/${name}-${size}-${colorScheme}.png` });
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        expect(overflow, `${name} does not scroll sideways on a ${size}`).toBeLessThanOrEqual(0);
      }
      await page.goto(`${server.url}/`);
      await expect(page.locator('html[data-ready]')).toBeAttached();
      await page.keyboard.press('Control+k');
      await expect(page.getByRole('listbox')).toBeVisible();
      await page.screenshot({ path: `${folder}/palette-${size}-${colorScheme}.png` });
      await page.keyboard.press('Escape');
      await page.keyboard.press('?');
      await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
      await page.screenshot({ path: `${folder}/shortcuts-${size}-${colorScheme}.png` });
      await context.close();
    }
  }
});
