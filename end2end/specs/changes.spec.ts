import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Repo } from '../fixtures/car';
import { expect, test } from '../fixtures/test';

/** A commit, and files that differ from it in every way. */
function withChanges(repo: Repo): void {
  const git = (...args: string[]): string => execFileSync('git', args, { cwd: repo.root, encoding: 'utf8' });
  const write = (name: string, text: string): void => writeFileSync(join(repo.root, name), text);
  git('config', 'user.name', 'Owner');
  git('config', 'user.email', 'owner@localhost');
  mkdirSync(join(repo.root, 'src'));
  write('src/main.rs', Array.from({ length: 40 }, (_, n) => `let line_${n + 1} = ${n};\n`).join(''));
  write('old.txt', 'gone soon\n');
  git('add', '-A');
  git('commit', '-qm', 'Begin');
  const lines = Array.from({ length: 40 }, (_, n) => `let line_${n + 1} = ${n === 19 ? 'other' : n};\n`);
  write('src/main.rs', lines.join(''));
  execFileSync('rm', ['old.txt'], { cwd: repo.root });
  write('<b>new & "odd".md', '# Größe 漢字\n<script>alert(1)</script>\n');
  write('long.txt', Array.from({ length: 900 }, (_, n) => `row ${n}\n`).join(''));
}

for (const [device, viewport] of [['desktop', { width: 1440, height: 900 }], ['phone', { width: 390, height: 844 }]] as const) {
  test(`on a ${device} the owner reads changes, comments on a line, and the next run gets the review`, async ({ page, workplace }) => {
    await page.setViewportSize(viewport);
    const repo = workplace.repo('tides', ['One']);
    withChanges(repo);
    const server = await workplace.serve(repo.root);
    await server.open(page);
    await page.getByRole('navigation', { name: 'Pages of tides' }).filter({ visible: true })
      .getByRole('link', { name: 'Changes' }).click();
    await expect(page).toHaveURL(`${server.url}/changes`);
    const main = page.getByRole('region', { name: 'src/main.rs' });
    await expect(main.locator('.ln--del')).toContainText('let line_20 = 19;');
    await expect(main.locator('.ln--add b')).toHaveText('other');
    const odd = page.getByRole('region', { name: '<b>new & "odd".md' });
    await expect(odd).toContainText('<script>alert(1)</script>');
    await expect(page.getByRole('region', { name: 'old.txt' })).toContainText('gone soon');

    await page.waitForSelector('html[data-ready]');
    await main.locator('.ln--add').click();
    const form = main.locator('form.say__form');
    await expect(form.getByLabel('Line, if it is about one')).toHaveValue('20');
    await form.getByRole('textbox', { name: 'Comment on src/main.rs' }).fill('Why **other**?\nSay it.');
    await form.getByRole('button', { name: 'Add comment' }).click();
    await expect(main.locator('.note')).toContainText('line 20, not sent');
    await expect(main.locator('.note')).toContainText('let line_20 = other;');

    await page.getByRole('button', { name: 'Send to agent' }).click();
    await expect(main.locator('.note')).toContainText('for the next run');
    repo.car('once');
    await page.reload();
    await expect(page.getByRole('heading', { name: 'Review' })).toBeVisible();
    await expect(page.locator('.note')).toHaveCount(0);
    expect(repo.read('runs/run-1.jsonl')).toContain("With the owner's review, 1 comment.");
  });
}

test('long files fold, one file has an address of its own, and both layouts show the same lines', async ({ page, workplace }) => {
  await page.setViewportSize({ width: 1440, height: 900 });
  const repo = workplace.repo('tides', ['One']);
  withChanges(repo);
  const server = await workplace.serve(repo.root);
  await server.open(page);
  await page.goto(`${server.url}/changes`);
  const long = page.getByRole('region', { name: 'long.txt' });
  await expect(long.locator('.ln')).toHaveCount(0);
  await long.getByRole('link', { name: 'Show 900 lines' }).click();
  await expect(long.locator('.ln--add')).toHaveCount(900);
  await expect(page).toHaveURL(/file=long\.txt/);
  await page.getByRole('link', { name: 'All files' }).click();
  await page.getByRole('link', { name: 'Split' }).click();
  const main = page.getByRole('region', { name: 'src/main.rs' });
  await expect(main.locator('.half--del')).toContainText('let line_20 = 19;');
  await expect(main.locator('.half--add')).toContainText('let line_20 = other;');
});

test('a run is undone from its changes, after saying what that does', async ({ page, workplace }) => {
  await page.setViewportSize({ width: 1440, height: 900 });
  const repo = workplace.repo('tides', ['One']);
  withChanges(repo);
  repo.car('once');
  const made = join(repo.root, 'NOTES.md');
  expect(existsSync(made)).toBe(true);
  const server = await workplace.serve(repo.root);
  await server.open(page);
  await page.goto(`${server.url}/runs/1`);
  await page.getByRole('link', { name: 'What it changed' }).click();
  await expect(page).toHaveURL(`${server.url}/changes?run=1`);
  await page.getByText('Undo run 1…').click();
  await expect(page.getByText('would become as before the run')).toBeVisible();
  await page.getByRole('button', { name: 'Undo run 1' }).click();
  await expect(page.getByText('Its files are as they were before it.')).toBeAttached();
  expect(existsSync(made)).toBe(false);
  expect(existsSync(join(repo.root, 'long.txt'))).toBe(true);
});

test('without JavaScript comments are made, deleted and become TODO items', async ({ browser, workplace }) => {
  const repo = workplace.repo('tides', ['One']);
  withChanges(repo);
  const server = await workplace.serve(repo.root);
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(server.loginLink);
  await page.getByRole('button', { name: 'Pair this device' }).click();
  await page.goto(`${server.url}/changes`);
  const main = page.getByRole('region', { name: 'src/main.rs' });
  for (const text of ['First', 'Second']) {
    await main.getByText('Comment', { exact: true }).click();
    await main.getByLabel('Line, if it is about one').fill('20');
    await main.getByRole('textbox', { name: 'Comment on src/main.rs' }).fill(text);
    await main.getByRole('button', { name: 'Add comment' }).click();
    await expect(main.locator('.note', { hasText: text })).toBeVisible();
  }
  await main.getByRole('button', { name: 'Delete the comment on line 20' }).first().click();
  await expect(main.locator('.note')).toHaveCount(1);
  await page.getByRole('button', { name: 'Add to TODO' }).click();
  await expect(main.locator('.note')).toHaveCount(0);
  expect(repo.read('TODO.md')).toContain('- [ ] Second (`src/main.rs:20`)');
  await context.close();
});
