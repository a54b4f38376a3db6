// Searching what runs said and did, and the documents.
import { expect, test } from '../fixtures/test';

test('words are found in documents and runs, and lead to where they are', async ({ page, workplace }) => {
  const repo = workplace.repo('tides', ['Write the tide table', 'Draw the <b>harbour</b>']);
  repo.car('once');
  const server = await workplace.serve(repo.root);
  await server.open(page);
  await page.getByRole('navigation', { name: 'Main' }).filter({ visible: true }).getByRole('link', { name: 'Search' }).click();
  await expect(page.getByText('All words must occur.')).toBeVisible();
  await page.getByRole('searchbox').fill('tide ta*');
  await page.getByRole('searchbox').press('Enter');
  await expect(page).toHaveURL(/\/search\?q=tide\+ta/);
  await expect(page).toHaveTitle('tide ta* · Search · tides · CAR');
  const todo = page.getByRole('listitem').filter({ hasText: 'TODO, line 1' });
  await expect(todo.locator('mark').first()).toHaveText('tide');
  const event = page.getByRole('listitem').filter({ hasText: 'Run 1, ' }).first();
  await event.getByRole('link').click();
  await expect(page).toHaveURL(/\/runs\/1\?from=\d+$/);

  await page.goto(`${server.url}/search?q=%3Cb%3Eharbour&type=document`);
  await expect(page.getByRole('listitem').filter({ hasText: 'TODO, line 2' })).toContainText('<b>harbour</b>');
  await page.goto(`${server.url}/search?q=kraken&days=7`);
  await expect(page.getByText('Nothing holds all of “kraken”')).toBeVisible();
});

test('the palette searches for what is no page, and the page needs no code in the browser', async ({ page, browser, workplace }) => {
  const repo = workplace.repo('tides', ['Write the tide table']);
  const server = await workplace.serve(repo.root);
  await server.open(page);
  await expect(page.locator('html[data-ready]')).toBeAttached();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('table');
  await page.getByRole('option', { name: 'Search for “table”' }).click();
  await expect(page.getByText('TODO, line 1')).toBeVisible();

  const context = await browser.newContext({ javaScriptEnabled: false, storageState: await page.context().storageState() });
  const plain = await context.newPage();
  await plain.goto(`${server.url}/search`);
  await plain.getByRole('searchbox').fill('tide');
  await plain.getByRole('button', { name: 'Search' }).click();
  await expect(plain.getByText('TODO, line 1')).toBeVisible();
  await context.close();
});
