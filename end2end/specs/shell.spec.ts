// What surrounds every page: the palette, keys, the state in title and icon, the way back.
import type { Page } from '@playwright/test';
import { expect, test } from '../fixtures/test';
import { makeHub } from '../fixtures/hub';

const ready = (page: Page) => expect(page.locator('html[data-ready]')).toBeAttached();

test('the palette reaches pages, repositories and actions by keyboard, and gives the focus back', async ({ page, workplace }) => {
  const alpha = workplace.repo('alpha', ['One'], 0);
  workplace.repo('beta', ['Two'], 0);
  makeHub(workplace, alpha);
  const server = await workplace.serve(workplace.dir);
  await server.open(page);
  await ready(page);
  const field = page.getByRole('combobox', { name: 'Search or jump to' });
  const find = page.getByLabel('Find repositories');
  await find.focus();
  await page.keyboard.press('Control+k');
  await expect(field).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(find).toBeFocused();
  await page.keyboard.press('Control+k');
  await field.fill('beta');
  await expect(page.getByRole('listbox').getByRole('option').first()).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'beta' })).toBeVisible();
  await page.keyboard.press('Control+k');
  await field.fill('todo alpha');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/repos\/alpha\/docs\/todo$/);
  await page.keyboard.press('Control+k');
  await field.fill('run once alpha');
  await page.keyboard.press('Enter');
  await expect(page.getByText('Done: One.').first()).toBeVisible();
  await page.keyboard.press('Control+k');
  await field.fill('remove beta');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog', { name: 'Remove beta?' })).toBeVisible();
  await page.keyboard.press('Control+k');
  await page.keyboard.press('Escape');
});

test('keys lead between pages and are listed, and a text being written is left alone', async ({ page, workplace }) => {
  const alpha = workplace.repo('alpha', ['One'], 0);
  makeHub(workplace, alpha);
  const server = await workplace.serve(workplace.dir);
  await server.open(page);
  await ready(page);
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
  await page.keyboard.press('Escape');
  await page.keyboard.press('g');
  await page.keyboard.press('s');
  await expect(page.getByRole('heading', { level: 1, name: 'Settings' })).toBeVisible();
  await page.keyboard.press('g');
  await page.keyboard.press('h');
  await expect(page.getByRole('heading', { level: 1, name: 'Hub' })).toBeVisible();
  await page.keyboard.press('/');
  await expect(page.getByLabel('Find repositories')).toBeFocused();
  await page.keyboard.type('g?u');
  await expect(page.getByLabel('Find repositories')).toHaveValue('g?u');
  await page.goBack();
  await expect(page.getByRole('heading', { level: 1, name: 'Settings' })).toBeVisible();
});

test('title and icon say that somebody is needed', async ({ page, workplace }) => {
  const alpha = workplace.repo('alpha', ['One'], 0);
  makeHub(workplace, alpha);
  alpha.write('config.yml', alpha.read('config.yml').replace('--json', '--no-such-option'));
  const server = await workplace.serve(workplace.dir);
  await server.open(page);
  await ready(page);
  const icon = page.locator('#favicon');
  await expect(icon).toHaveAttribute('href', /favicon\.svg$/);
  await page.getByRole('button', { name: 'Start alpha' }).click();
  await expect(page).toHaveTitle(/^1 needs you/);
  await expect(icon).toHaveAttribute('href', /favicon-needs\.svg$/);
  await expect(page.getByText(/^Connected, \d+ s$/).first()).toBeVisible();
});
