import { expect, test } from '../fixtures/test';

test('a page that lost its server says so and is up to date when it is back', async ({ page, workplace, consoleErrors }) => {
  const repo = workplace.repo('tides', ['One', 'Two'], 0);
  const server = await workplace.serve(repo.root);
  await server.open(page);
  await expect(page.getByText('Connected').first()).toBeVisible();
  await server.stop();
  await expect(page.getByText(/Reconnecting/).first()).toBeVisible();
  repo.car('run');
  await workplace.serve(repo.root, server);
  await expect(page).toHaveTitle(/^Finished · tides · CAR$/);
  await expect(page.getByText('2 of 2 done')).toBeVisible();
  await expect(page.getByText('Connected').first()).toBeVisible();
  // The browser itself reports each refused connection.
  const refused = consoleErrors.filter(text => /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING/.test(text));
  consoleErrors.splice(0, consoleErrors.length, ...consoleErrors.filter(text => !refused.includes(text)));
});

test('a run started on the command line shows on an open page', async ({ page, workplace }) => {
  const repo = workplace.repo('tides', ['One'], 0);
  const server = await workplace.serve(repo.root);
  await server.open(page);
  await expect(page.getByText('Connected').first()).toBeVisible();
  repo.car('run');
  await expect(page.getByText('Done: One.').first()).toBeVisible();
  await expect(page).toHaveTitle(/^Finished · tides · CAR$/);
});

test('a hub lists its repositories, leads to them, and follows their state', async ({ page, workplace }) => {
  const first = workplace.repo('alpha', ['One'], 0);
  workplace.repo('beta', ['One', 'Two'], 0);
  first.car('init', '--mode', 'hub', '--path', workplace.dir);
  const server = await workplace.serve(workplace.dir);
  await server.open(page);
  const main = page.getByRole('main');
  await expect(main.getByRole('link', { name: 'alpha', exact: true })).toBeVisible();
  first.car('run');
  await expect(main.getByText('Finished').first()).toBeVisible();
  await main.getByRole('link', { name: 'beta', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'beta' })).toBeVisible();
  await expect(page.getByText('0 of 2 done')).toBeVisible();
  await page.goBack();
  await expect(page.getByRole('heading', { level: 1, name: 'Hub' })).toBeVisible();
});
