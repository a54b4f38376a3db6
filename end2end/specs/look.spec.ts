// Pictures for a person to look at, in `test-results/`, and what can be told of a layout without eyes.
import { expect, test } from '../fixtures/test';

const sizes = { phone: { width: 390, height: 844 }, desktop: { width: 1440, height: 900 } };

for (const scheme of ['dark', 'light'] as const) {
  for (const [name, viewport] of Object.entries(sizes)) {
    test(`the dashboard fits a ${name} in ${scheme}`, async ({ browser, workplace }, info) => {
      const repo = workplace.repo('tide-table', ['Show the tides as a table', 'Make the page fit a phone'], 0);
      repo.car('once');
      const server = await workplace.serve(repo.root);
      const page = await browser.newPage({ viewport, colorScheme: scheme });
      await server.open(page);
      await expect(page.getByText('1 of 2 done')).toBeVisible();
      await expect(page.locator('html[data-ready]')).toBeAttached();
      await page.screenshot({ path: info.outputPath(`dashboard-${name}-${scheme}.png`), fullPage: true });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow, 'nothing scrolls sideways').toBeLessThanOrEqual(0);
      await page.close();
    });
  }
}
