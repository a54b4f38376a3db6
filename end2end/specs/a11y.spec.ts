// Every screen through axe, in both themes, on a desktop and on a phone: no serious finding.
import AxeBuilder from '@axe-core/playwright';
import { expect, test } from '../fixtures/test';
import { screens, showcase } from '../fixtures/showcase';

const sizes = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };

for (const colorScheme of ['dark', 'light'] as const) {
  for (const [size, viewport] of Object.entries(sizes)) {
    test(`no screen has a serious finding in ${colorScheme} on a ${size}`, async ({ browser, workplace }) => {
      test.setTimeout(480_000);
      const server = await showcase(workplace);
      const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce', serviceWorkers: 'block' });
      const page = await context.newPage();
      const found: string[] = [];
      const look = async (name: string) => {
        const { violations } = await new AxeBuilder({ page }).analyze();
        for (const { id, impact, help, nodes } of violations) {
          if (impact === 'serious' || impact === 'critical') {
            found.push(`${name}: ${id}, ${help}\n${nodes.slice(0, 3).map(node => `    ${node.html.slice(0, 160)}`).join('\n')}`);
          }
        }
      };
      await page.goto(`${server.url}/login`);
      await look('login');
      await page.goto(server.loginLink);
      await page.waitForURL(`${server.url}/`);
      for (const [name, address] of Object.entries(screens)) {
        await page.goto(server.url + address);
        await expect(page.locator('html[data-ready]')).toBeAttached();
        if (name.startsWith('hub-') && name !== 'hub-select') await expect(page.locator('dialog:modal h2')).toBeVisible();
        await look(name);
      }
      await page.goto(`${server.url}/`);
      await expect(page.locator('html[data-ready]')).toBeAttached();
      await page.keyboard.press('Control+k');
      await expect(page.getByRole('listbox')).toBeVisible();
      await look('palette');
      await page.keyboard.press('Escape');
      await page.keyboard.press('?');
      await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
      await look('shortcuts');
      await context.close();
      expect(found.join('\n')).toBe('');
    });
  }
}
