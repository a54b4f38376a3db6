import { expect, test } from '../fixtures/test';

const items = ['Write the tide table', 'Fit it to a phone'];

test('a click on Start runs the agent, its output arrives, and the list gets done', async ({ page, workplace }) => {
  const repo = workplace.repo('tides', items, 300);
  const server = await workplace.serve(repo.root);
  await server.open(page);
  await expect(page).toHaveTitle(/^Idle · tides · CAR$/);
  await page.getByRole('button', { name: 'Start', exact: true }).first().click();
  await expect(page).toHaveTitle(/^Running · tides · CAR$/);
  await expect(page.getByRole('list', { name: /^Steps/ }).getByText('git status --short').first()).toBeVisible();
  await expect(page.getByText('Done: Write the tide table.').first()).toBeVisible();
  await expect(page).toHaveTitle(/^Finished · tides · CAR$/);
  await expect(page.getByText('2 of 2 done')).toBeVisible();
  const rows = page.getByRole('table').getByRole('row');
  await expect(rows).toHaveCount(4); // a head, two items, the report
  expect(repo.read('SUMMARY.md')).toContain('CAR:SUMMARY_FINALIZED run_id=3');
});

test('the page is complete and its buttons work without WebAssembly', async ({ browser, workplace }) => {
  const repo = workplace.repo('tides', items, 20_000);
  const server = await workplace.serve(repo.root);
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(server.loginLink);
  await page.getByRole('button', { name: 'Pair this device' }).click();
  await expect(page.getByText('Write the tide table').first()).toBeVisible();
  await expect(page.getByText('0 of 2 done')).toBeVisible();
  await page.getByRole('button', { name: 'Start', exact: true }).first().click();
  await expect(page.getByRole('button', { name: 'Stop after this run' }).first()).toBeVisible();
  await context.close();
});

test('Kill asks first, names the loss, and ends the run', async ({ page, workplace }) => {
  const repo = workplace.repo('tides', items, 20_000);
  const server = await workplace.serve(repo.root);
  await server.open(page);
  await page.getByRole('button', { name: 'Start', exact: true }).first().click();
  await expect(page).toHaveTitle(/^Running/);
  await page.getByRole('button', { name: 'Kill…' }).first().click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toBeVisible();
  await page.keyboard.press('Enter'); // the safe button has the focus
  await expect(dialog).toBeHidden();
  await expect(page).toHaveTitle(/^Running/);
  await page.getByRole('button', { name: 'Kill…' }).first().click();
  await dialog.getByRole('button', { name: /^Kill/ }).click();
  await expect(page).toHaveTitle(/^Failed · tides · CAR$/);
  await expect(page.getByText('Killed on request.').first()).toBeVisible();
  expect(JSON.parse(repo.car('status', '--json')).last_exit_code).toBe(137);
});

test('a dialog that was opened before WebAssembly arrived closes like any other', async ({ page, workplace }) => {
  const repo = workplace.repo('tides', items, 20_000);
  const server = await workplace.serve(repo.root);
  let arrive = () => {};
  const arrived = new Promise<void>(done => (arrive = done));
  await page.route('**/pkg/car.wasm*', async route => {
    await arrived;
    await route.continue();
  });
  await server.open(page);
  await page.getByRole('button', { name: 'Start', exact: true }).first().click();
  await page.getByRole('button', { name: 'Kill…' }).first().click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toBeVisible();
  arrive();
  await expect(page.locator('html[data-ready]')).toBeAttached();
  await dialog.getByRole('button', { name: 'Keep running' }).click();
  await expect(dialog).toBeHidden();
  await expect(page).toHaveTitle(/^Running/);
});

test('Stop lets the current run end and starts no other', async ({ page, workplace }) => {
  const repo = workplace.repo('tides', items, 1_500);
  const server = await workplace.serve(repo.root);
  await server.open(page);
  await page.getByRole('button', { name: 'Start', exact: true }).first().click();
  await page.getByRole('button', { name: 'Stop after this run' }).first().click();
  await expect(page).toHaveTitle(/^Idle · tides · CAR$/);
  await expect(page.getByText('1 of 2 done')).toBeVisible();
  expect(JSON.parse(repo.car('runs', '--json'))).toHaveLength(1);
});
