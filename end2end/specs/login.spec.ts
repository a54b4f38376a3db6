import { expect, test } from '../fixtures/test';

test('a page without a session leads to the login and back', async ({ page, workplace, consoleErrors }) => {
  const repo = workplace.repo('tides', ['One']);
  const server = await workplace.serve(repo.root);
  await page.goto(`${server.url}/repos/tides`);
  await expect(page.getByRole('heading', { level: 1, name: 'Log in to tides' })).toBeVisible();
  await page.getByLabel('Pairing code').fill('AAAA-AAAA');
  await page.getByRole('button', { name: 'Pair this device' }).click();
  await expect(page.getByRole('alert')).toContainText('This code is wrong');
  // The browser itself reports the status of the refusal.
  consoleErrors.splice(0, consoleErrors.length, ...consoleErrors.filter(text => !text.includes('401')));
  const code = repo.car('pair').match(/Code: {2}(\S+)/)?.[1] ?? '';
  await page.getByLabel('Pairing code').fill(code.toLowerCase());
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'tides' })).toBeVisible();
  expect(page.url()).toBe(`${server.url}/repos/tides`);
});

test('the token logs in as well and is not in the page afterwards', async ({ page, workplace }) => {
  const repo = workplace.repo('tides', ['One']);
  const server = await workplace.serve(repo.root);
  const token = repo.read('server-token').trim();
  await page.goto(server.url);
  await page.getByText('Use the access token').click();
  await page.getByLabel('Access token').fill(token);
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'tides' })).toBeVisible();
  expect(await page.content()).not.toContain(token);
  const cookies = await page.context().cookies();
  const session = cookies.find(cookie => cookie.name.startsWith('car_session_'));
  expect(session).toMatchObject({ httpOnly: true, sameSite: 'Strict' });
});

test('a link from another site finds the session', async ({ page, workplace }) => {
  const repo = workplace.repo('tides', ['One']);
  const server = await workplace.serve(repo.root);
  await server.open(page);
  await page.goto('data:text/html,<p>elsewhere</p>');
  await page.setContent(`<a href="${server.url}/repos/tides">CAR</a>`);
  await page.getByRole('link', { name: 'CAR' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'tides' })).toBeVisible();
});

test('a device that is logged out loses its page', async ({ page, workplace, consoleErrors }) => {
  const repo = workplace.repo('tides', ['One']);
  const server = await workplace.serve(repo.root);
  await server.open(page);
  await expect(page.getByText('Connected').first()).toBeVisible();
  const [device] = JSON.parse(repo.car('devices', '--json')) as { id: string }[];
  repo.car('devices', 'revoke', device.id);
  await page.reload();
  await expect(page.getByRole('heading', { level: 1, name: 'Log in to tides' })).toBeVisible();
  consoleErrors.splice(0, consoleErrors.length, ...consoleErrors.filter(text => !text.includes('401')));
});

test('a server without a login says so on its page', async ({ page, workplace }, info) => {
  const repo = workplace.repo('tides', ['One']);
  repo.write('config.yml', `${repo.read('config.yml')}server: {auth: off}\n`);
  const server = await workplace.serve(repo.root);
  await page.goto(server.url);
  await expect(page.getByRole('note')).toContainText('Nobody has to log in here');
  await expect(page.getByRole('heading', { level: 1, name: 'tides' })).toBeVisible();
  await page.screenshot({ path: info.outputPath('open.png') });
});

for (const scheme of ['dark', 'light'] as const) {
  for (const [name, width] of [['phone', 390], ['desktop', 1440]] as const) {
    test(`the login fits a ${name} in ${scheme}`, async ({ browser, workplace }, info) => {
      const repo = workplace.repo('tide-table', ['One']);
      const server = await workplace.serve(repo.root);
      const page = await browser.newPage({ viewport: { width, height: 844 }, colorScheme: scheme });
      await page.goto(`${server.url}/login`);
      await expect(page.getByLabel('Pairing code')).toBeVisible();
      await page.screenshot({ path: info.outputPath(`login-${name}-${scheme}.png`) });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow, 'nothing scrolls sideways').toBeLessThanOrEqual(0);
      await page.close();
    });
  }
}
