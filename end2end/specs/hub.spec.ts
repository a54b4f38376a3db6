// The hub: who needs somebody, the list in all its orders, what can be done with rows, and a thousand of them.
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { expect, test } from '../fixtures/test';
import { makeHub, manyRepos, remote } from '../fixtures/hub';

const ready = (page: Page) => expect(page.locator('html[data-ready]')).toBeAttached();
const rows = (page: Page) => page.locator('.fleet__row');
const names = (page: Page) => page.locator('.fleet__name a').allTextContents();

test('the list is filtered, sorted and grouped at once, and all of it is in the address', async ({ page, workplace }) => {
  const alpha = workplace.repo('alpha', ['One', 'Two'], 0);
  workplace.repo('beta', ['Three'], 0);
  const gamma = workplace.repo('gamma', ['Four', 'Five', 'Six'], 0);
  makeHub(workplace, alpha);
  gamma.car('run');
  const server = await workplace.serve(workplace.dir);
  await server.open(page);
  await ready(page);
  await expect(rows(page)).toHaveCount(3);
  await page.getByLabel('Find repositories').fill('bet');
  await expect(rows(page)).toHaveCount(1);
  await expect(page).toHaveURL(/\?q=bet$/);
  await page.reload();
  await ready(page);
  await expect(rows(page)).toHaveCount(1);
  await page.getByLabel('Find repositories').fill('');
  await page.getByLabel('Order').selectOption('open');
  await expect(page).toHaveURL(/sort=open/);
  expect(await names(page)).toEqual(['alpha', 'beta', 'gamma']);
  await page.getByLabel('Grouping').selectOption('state');
  await expect(page.getByRole('heading', { level: 3, name: 'Finished' })).toBeVisible();
  await page.getByRole('link', { name: /^Quiet/ }).click();
  await expect(page).toHaveURL(/show=quiet/);
  await page.goBack();
  await expect(page).not.toHaveURL(/show=/);
  await page.getByLabel('Find repositories').fill('nothing like it');
  await expect(page.getByText('No repository is like that')).toBeVisible();
  await page.getByRole('link', { name: 'Show all' }).click();
  await expect(rows(page)).toHaveCount(3);
});

test('a loop is started from its row, and its failure is said above all others with a way on', async ({ page, workplace }) => {
  const alpha = workplace.repo('alpha', ['One'], 0);
  const beta = workplace.repo('beta', ['Two'], 0);
  makeHub(workplace, alpha);
  beta.write('config.yml', beta.read('config.yml').replace('--json', '--no-such-option'));
  const server = await workplace.serve(workplace.dir);
  await server.open(page);
  await ready(page);
  await page.getByRole('button', { name: 'Start alpha' }).click();
  await expect(rows(page).filter({ hasText: 'alpha' }).getByText('Finished').first()).toBeVisible();
  await page.getByRole('button', { name: 'Start beta' }).click();
  const inbox = page.getByRole('region', { name: 'Needs you' });
  await expect(inbox.getByRole('link', { name: 'beta' })).toBeVisible();
  await expect(inbox).toContainText('Failed, run 1');
  await expect(page).toHaveTitle(/^1 needs you/);
  await inbox.getByRole('link', { name: 'See what happened' }).click();
  await expect(page).toHaveURL(/\/repos\/beta\/runs\/1$/);
});

test('rows are selected and started together, and what failed is told', async ({ page, workplace }) => {
  const alpha = workplace.repo('alpha', ['One'], 0);
  workplace.repo('beta', ['Two'], 0);
  workplace.repo('gamma', ['Three'], 0);
  makeHub(workplace, alpha);
  const server = await workplace.serve(workplace.dir);
  await server.open(page);
  await ready(page);
  await page.getByRole('link', { name: 'Select', exact: true }).click();
  await page.getByLabel('Select alpha').check();
  await page.getByLabel('Select gamma').check();
  await expect(page.getByText('2 repositories selected')).toBeVisible();
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await expect(rows(page).filter({ hasText: 'alpha' }).getByText('Finished').first()).toBeVisible();
  await expect(rows(page).filter({ hasText: 'gamma' }).getByText('Finished').first()).toBeVisible();
  await expect(page.getByText('0 repositories selected')).toBeVisible();
  await expect(rows(page).filter({ hasText: 'beta' }).getByText('Idle').first()).toBeVisible();
});

test('without JavaScript the list is filtered, a menu opens and a loop is started', async ({ browser, workplace }) => {
  const alpha = workplace.repo('alpha', ['One'], 0);
  workplace.repo('beta', ['Two'], 0);
  makeHub(workplace, alpha);
  const server = await workplace.serve(workplace.dir);
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(server.loginLink);
  await page.getByRole('button', { name: 'Pair this device' }).click();
  await page.getByLabel('Find repositories').fill('alp');
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await expect(rows(page)).toHaveCount(1);
  await page.getByRole('link', { name: 'More for alpha' }).click();
  const menu = page.getByRole('dialog', { name: 'alpha' });
  await expect(menu).toBeVisible();
  await menu.getByRole('button', { name: 'Run once' }).click();
  await expect(async () => {
    await page.goto(`${server.url}/`);
    await expect(rows(page).filter({ hasText: 'alpha' })).toContainText('1 of 1', { timeout: 100 });
  }).toPass();
  await context.close();
});

test('a menu and its questions keep the focus, and give it back', async ({ page, workplace }) => {
  const alpha = workplace.repo('alpha', ['One'], 0);
  makeHub(workplace, alpha);
  const server = await workplace.serve(workplace.dir);
  await server.open(page);
  await ready(page);
  const more = page.getByRole('link', { name: 'More for alpha' });
  await more.focus();
  await page.keyboard.press('Enter');
  const menu = page.getByRole('dialog');
  await expect(menu).toBeVisible();
  await expect(page).toHaveURL(/do=menu/);
  for (let i = 0; i < 12; i++) {
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.closest('dialog') !== null || document.activeElement === document.body)).toBe(true);
  }
  await page.keyboard.press('Escape');
  await expect(menu).toBeHidden();
  await expect(more).toBeFocused();
  await expect(page).not.toHaveURL(/do=/);
  await more.click();
  await menu.getByRole('link', { name: 'New worktree…' }).click();
  await expect(page.getByRole('dialog', { name: 'New worktree of alpha' })).toBeVisible();
  await page.goBack();
  await page.goBack();
  await expect(page.getByRole('dialog')).toBeHidden();
});

test('a repository is cloned with its progress, and a wrong address says what is wrong with it', async ({ page, workplace }) => {
  const alpha = workplace.repo('alpha', ['One'], 0);
  makeHub(workplace, alpha);
  const server = await workplace.serve(workplace.dir);
  await server.open(page);
  await ready(page);
  await page.getByRole('link', { name: 'Add repository' }).filter({ visible: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Add repository' });
  await dialog.getByLabel('Clone from').fill(join(workplace.dir, 'not-there.git'));
  await dialog.getByRole('button', { name: 'Clone' }).click();
  await expect(dialog.locator('.job__text--bad').first()).toBeVisible();
  await dialog.getByLabel('Clone from').fill(remote(workplace, 'tides'));
  await dialog.getByLabel('Name', { exact: true }).first().fill('tides');
  await dialog.getByRole('button', { name: 'Clone' }).click();
  await dialog.getByRole('link', { name: 'Open tides' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'tides' })).toBeVisible();
});

test('a worktree is made, stands under its repository, and is cleaned up with what would be lost named', async ({ page, workplace, consoleErrors }) => {
  const alpha = workplace.repo('alpha', ['One'], 0);
  const git = (...args: string[]) => execFileSync('git', args, { cwd: alpha.root, stdio: 'pipe' });
  git('-c', 'user.name=T', '-c', 'user.email=t@example.org', 'commit', '--quiet', '--allow-empty', '-m', 'Start');
  makeHub(workplace, alpha);
  const server = await workplace.serve(workplace.dir);
  await server.open(page);
  await ready(page);
  await page.getByRole('link', { name: 'More for alpha' }).click();
  await page.getByRole('link', { name: 'New worktree…' }).click();
  await page.getByLabel('Branch').fill('fix login');
  await page.getByRole('button', { name: 'Create worktree' }).click();
  await expect(page.getByRole('dialog')).toContainText('cannot be the name of a branch');
  await page.getByLabel('Branch').fill('fix-login');
  await page.getByRole('button', { name: 'Create worktree' }).click();
  await expect(page.getByRole('dialog').getByRole('link', { name: 'Open alpha--fix-login' })).toBeVisible();
  await page.getByRole('dialog').getByRole('link', { name: 'Close' }).click();
  const worktree = page.locator('.fleet__row--under');
  await expect(worktree).toContainText('alpha--fix-login');
  const root = join(workplace.dir, 'worktrees', 'alpha--fix-login');
  expect(existsSync(root)).toBe(true);
  writeFileSync(join(root, 'notes.txt'), 'not committed\n');
  await page.getByRole('link', { name: 'More for alpha--fix-login' }).click();
  await page.getByRole('link', { name: 'Clean up worktree…' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('notes.txt');
  await dialog.getByRole('button', { name: 'Remove worktree' }).click();
  await expect(dialog.getByRole('alert')).toContainText('nowhere else');
  await dialog.getByLabel(/to remove it all the same/).fill('alpha--fix-login');
  await dialog.getByRole('button', { name: 'Remove worktree' }).click();
  await expect(worktree).toHaveCount(0);
  await expect.poll(() => existsSync(root)).toBe(false);
  // The browser itself reports the answer to the attempt that was refused.
  consoleErrors.splice(0, consoleErrors.length, ...consoleErrors.filter(text => !/status of 500/.test(text)));
});

test('a thousand repositories scroll with a bounded page', async ({ page, workplace }) => {
  test.setTimeout(180_000);
  const alpha = workplace.repo('alpha', ['One'], 0);
  manyRepos(workplace, alpha, 1000);
  makeHub(workplace, alpha);
  const server = await workplace.serve(workplace.dir);
  await page.goto(server.loginLink, { timeout: 120_000 });
  await ready(page);
  const size = () => page.evaluate(() => document.querySelectorAll('*').length);
  expect(await size()).toBeLessThan(4000);
  await page.getByLabel('Order').selectOption('name');
  await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight));
  await expect(page.getByRole('link', { name: 'repo-0999', exact: true }).first()).toBeInViewport();
  expect(await size()).toBeLessThan(4000);
  await page.getByLabel('Find repositories').fill('repo-0500');
  await expect(rows(page)).toHaveCount(1);
});
