import { expect, test } from '../fixtures/test';

test('settings list the devices, log one out, and show who did what', async ({ page, browser, workplace }) => {
  const repo = workplace.repo('tides', ['One']);
  const server = await workplace.serve(repo.root);
  await server.open(page);
  const other = await browser.newPage({ userAgent: 'Mozilla/5.0 (Android 16; Mobile; rv:150.0) Gecko/150.0 Firefox/150.0' });
  await other.goto(`${server.url}/login?code=${repo.car('pair').match(/Code: {2}(\S+)/)?.[1]}`);
  await expect(other.getByRole('heading', { level: 1, name: 'tides' })).toBeVisible();

  await page.getByRole('link', { name: 'Settings' }).filter({ visible: true }).first().click();
  await expect(page).toHaveURL(`${server.url}/settings`);
  const devices = page.getByRole('region', { name: 'Devices' }).getByRole('listitem');
  await expect(devices).toHaveCount(2);
  await expect(devices.filter({ hasText: 'This device' })).toHaveCount(1);
  await page.getByRole('button', { name: 'Log out Firefox on Android' }).click();
  await expect(devices).toHaveCount(1);
  await expect(page.getByRole('region', { name: 'Record' })).toContainText('POST /rpc/revoke_device');
  await other.reload();
  await expect(other.getByRole('heading', { level: 1, name: 'Log in to tides' })).toBeVisible();
  await page.getByRole('button', { name: 'Log out', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Log in to tides' })).toBeVisible();
});
