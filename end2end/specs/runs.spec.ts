import { expect, test } from '../fixtures/test';

for (const [device, viewport] of [['desktop', { width: 1440, height: 900 }], ['phone', { width: 390, height: 844 }]] as const) {
  test(`on a ${device} one goes from the loop to its runs, into one, and through its steps`, async ({ page, workplace }) => {
    await page.setViewportSize(viewport);
    const repo = workplace.repo('tides', ['One', 'Two with `code`']);
    repo.car('run');
    const server = await workplace.serve(repo.root);
    await server.open(page);
    await page.getByRole('navigation', { name: 'Pages of tides' }).filter({ visible: true })
      .getByRole('link', { name: 'Runs' }).click();
    await expect(page).toHaveURL(`${server.url}/runs`);
    await expect(page.getByRole('row')).toHaveCount(4);
    await page.getByRole('link', { name: '2', exact: true }).click();
    await expect(page).toHaveURL(`${server.url}/runs/2`);
    await expect(page.getByRole('heading', { name: 'Run 2' })).toBeVisible();
    await expect(page.getByRole('article', { name: 'Report' })).toContainText('Done: Two with code.');

    const steps = page.getByRole('list', { name: 'Timeline' }).getByRole('listitem').filter({ visible: true });
    await expect(steps).toHaveCount(9);
    await page.getByText('Commands', { exact: true }).filter({ visible: true }).first().click();
    await expect(steps).toHaveCount(1);
    await expect(steps).toContainText('git status --short');
    await page.getByText('Failures', { exact: true }).click();
    await expect(page.getByText('Nothing of this kind among these steps.')).toBeVisible();

    await page.getByRole('link', { name: 'Run 1, before this' }).click();
    await expect(page.getByRole('heading', { name: 'Run 1' })).toBeVisible();
    await page.goBack();
    await expect(page.getByRole('heading', { name: 'Run 2' })).toBeVisible();
  });
}

test('a run at work is followed to its end', async ({ page, workplace }) => {
  const repo = workplace.repo('tides', ['One'], 200);
  const server = await workplace.serve(repo.root);
  await server.open(page);
  await page.getByRole('button', { name: 'Run once' }).filter({ visible: true }).click();
  await page.getByRole('link', { name: 'All runs' }).click();
  await page.getByRole('link', { name: '1', exact: true }).click();
  await expect(page.getByRole('list', { name: 'Timeline' })).toContainText('Run finished');
  await expect(page.locator('.run__head')).toContainText('Finished');
});

test('a run that does not exist is a page that says so', async ({ page, workplace, consoleErrors }) => {
  const repo = workplace.repo('tides', ['One']);
  const server = await workplace.serve(repo.root);
  await server.open(page);
  const answer = await page.goto(`${server.url}/runs/7`);
  expect(answer?.status()).toBe(404);
  await expect(page.getByText('There is no run 7.')).toBeVisible();
  consoleErrors.splice(0, consoleErrors.length, ...consoleErrors.filter(text => !text.includes('404')));
});
