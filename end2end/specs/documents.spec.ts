// The documents of a repository: reading, ticking, writing, what happens when two write at once, and going back.
import type { Browser, Page } from '@playwright/test';
import type { Repo, Server, Workplace } from '../fixtures/car';
import { expect, test } from '../fixtures/test';

const items = ['Write the tide table', 'Fit it to a phone'];
const spec = [
  '# Tides', '', 'Show `high` and *low* water.', '', '- plain', '- [ ] boxed', '', '```sh', 'make <tides>', '```', '',
  '| Port | Zone |', '|---|---|', '| Kiel | CET |', '', '<script>window.spied = true</script>', '',
  '[outside](https://example.com/) [inside](/rpc/run_action) ![pic](https://example.com/pic.png)', '',
].join('\n');

async function open(workplace: Workplace, page: Page): Promise<{ repo: Repo; server: Server }> {
  const repo = workplace.repo('tides', items);
  repo.write('SPEC.md', spec);
  const server = await workplace.serve(repo.root);
  await server.open(page);
  return { repo, server };
}

async function ready(page: Page): Promise<void> {
  await expect(page.locator('html[data-ready]')).toBeAttached();
}

async function edit(page: Page, server: Server, kind = 'todo'): Promise<void> {
  await page.goto(`${server.url}/docs/${kind}?view=source`);
  await ready(page);
}

const source = (page: Page) => page.getByRole('textbox', { name: /^Source of/ });

async function unscripted(browser: Browser, server: Server): Promise<Page> {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(server.loginLink);
  await page.getByRole('button', { name: 'Pair this device' }).click();
  return page;
}

test('the dashboard leads to the documents, and each has an address', async ({ page, workplace }) => {
  const { server } = await open(workplace, page);
  await page.getByRole('navigation', { name: 'Pages of tides' }).filter({ visible: true }).getByRole('link', { name: 'Documents' }).click();
  await expect(page).toHaveTitle('TODO · tides · CAR');
  const documents = page.getByRole('navigation', { name: 'Documents' });
  await documents.getByRole('link', { name: 'SPEC' }).click();
  await expect(page).toHaveURL(`${server.url}/docs/spec`);
  await expect(page).toHaveTitle('SPEC · tides · CAR');
  await expect(page.getByRole('heading', { level: 2, name: 'Tides' })).toBeVisible();
  await page.goBack();
  await expect(page.getByRole('checkbox', { name: items[0] })).toBeVisible();
  await documents.getByRole('link', { name: 'OPINIONS' }).click();
  await documents.getByRole('link', { name: 'SNAPSHOT' }).click();
  await expect(page.getByText('SNAPSHOT is empty')).toBeVisible();
});

test('what a document says is shown, and nothing in it can act', async ({ page, workplace }) => {
  const { server } = await open(workplace, page);
  await page.goto(`${server.url}/docs/spec`);
  await ready(page);
  const text = page.getByRole('article', { name: 'SPEC' });
  await expect(text.getByText('make <tides>')).toBeVisible();
  await expect(text.getByRole('cell', { name: 'Kiel' })).toBeVisible();
  await expect(text.getByRole('checkbox')).toHaveCount(1);
  await expect(text.getByRole('link', { name: 'outside' })).toHaveAttribute('href', 'https://example.com/');
  await expect(text.getByRole('link', { name: 'inside' })).toHaveCount(0);
  await expect(text.locator('script, img, [onclick]')).toHaveCount(0);
  expect(await page.evaluate(() => 'spied' in window)).toBe(false);
});

test('a tick is written into the file and keeps the focus', async ({ page, workplace }) => {
  const { repo, server } = await open(workplace, page);
  await page.goto(`${server.url}/docs`);
  await ready(page);
  const box = page.getByRole('checkbox', { name: items[0] });
  await box.click();
  await expect(box).toBeChecked();
  expect(repo.read('TODO.md')).toBe(`- [x] ${items[0]}\n- [ ] ${items[1]}\n`);
  await expect(box).toBeFocused();
  await page.keyboard.press('Space');
  await expect(box).not.toBeChecked();
  expect(repo.read('TODO.md')).toContain(`- [ ] ${items[0]}`);
  // Somebody else writes: the page follows, and what is ticked then is ticked in the new text.
  repo.write('TODO.md', `# New\n\n- [ ] First of all\n- [ ] ${items[1]}\n`);
  await expect(page.getByRole('checkbox', { name: 'First of all' })).not.toBeChecked();
  await page.getByRole('checkbox', { name: items[1] }).click();
  await expect(page.getByRole('checkbox', { name: items[1] })).toBeChecked();
  expect(repo.read('TODO.md')).toBe(`# New\n\n- [ ] First of all\n- [x] ${items[1]}\n`);
});

test('the keyboard alone edits a document: lists go on, Tab indents, Ctrl+S saves, Esc leaves', async ({ page, workplace }) => {
  const { repo, server } = await open(workplace, page);
  await page.goto(`${server.url}/docs`);
  await ready(page);
  await page.getByRole('link', { name: 'Source' }).focus();
  await page.keyboard.press('Enter');
  await expect(source(page)).toBeVisible();
  await source(page).focus();
  await page.keyboard.press('Control+End');
  await page.keyboard.press('Backspace');
  await page.keyboard.press('Enter');
  await page.keyboard.type('Print it');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await page.keyboard.type('on <paper> & foil');
  await expect(page).toHaveTitle('• TODO · tides · CAR');
  await expect(page.getByText('Not saved', { exact: true })).toBeVisible();
  await page.keyboard.press('Control+s');
  await expect(page).toHaveTitle('TODO · tides · CAR');
  const saved = `- [ ] ${items[0]}\n- [ ] ${items[1]}\n- [ ] Print it\n  - [ ] on <paper> & foil`;
  expect(repo.read('TODO.md')).toBe(saved);
  // What was typed can be undone, also by lists and Tab.
  await page.keyboard.press('Shift+Tab');
  await expect(source(page)).toHaveValue(saved.replace('  - [ ] on', '- [ ] on'));
  await page.keyboard.press('Control+z');
  await expect(source(page)).toHaveValue(saved);
  await page.keyboard.press('Escape');
  await page.keyboard.press('Tab');
  await expect(page.getByRole('button', { name: 'Save' })).toBeFocused();
  await expect(source(page)).toHaveValue(saved);
});

test('a draft survives a reload, asks before the page is left, and can be discarded', async ({ page, workplace }) => {
  const { repo, server } = await open(workplace, page);
  await edit(page, server, 'spec');
  await source(page).fill('My own words');
  await source(page).press('End');
  await page.keyboard.type('!');
  const asked: string[] = [];
  page.on('dialog', async dialog => {
    asked.push(dialog.type());
    await dialog.accept();
  });
  await page.reload();
  await ready(page);
  expect(asked).toEqual(['beforeunload']);
  await expect(source(page)).toHaveValue('My own words!');
  await expect(page.getByText('This is your draft.')).toBeVisible();
  // Moving within the application loses nothing either.
  await page.getByRole('link', { name: 'Rendered' }).click();
  await expect(page.getByRole('heading', { level: 2, name: 'Tides' })).toBeVisible();
  await page.getByRole('link', { name: 'Source' }).click();
  await expect(source(page)).toHaveValue('My own words!');
  await page.getByRole('button', { name: 'Discard draft' }).click();
  await expect(source(page)).toHaveValue(spec);
  await expect(page).toHaveTitle('SPEC · tides · CAR');
  await page.reload();
  await ready(page);
  await expect(source(page)).toHaveValue(spec);
  expect(repo.read('SPEC.md')).toBe(spec);
});

test('when another change came first both texts are there, and go together', async ({ page, workplace }) => {
  const { repo, server } = await open(workplace, page);
  const text = Array.from({ length: 9 }, (_, n) => `line ${n}\n`).join('');
  repo.write('OPINIONS.md', text);
  repo.car('docs', 'history', 'opinions');
  await edit(page, server, 'opinions');
  await source(page).fill(text.replace('line 8', 'mine'));
  repo.write('OPINIONS.md', text.replace('line 0', 'theirs'));
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('was changed by somebody else while you wrote')).toBeVisible();
  await expect(page.getByText('theirs').first()).toBeVisible();
  await expect(page.getByText('mine').first()).toBeVisible();
  expect(repo.read('OPINIONS.md')).toContain('theirs');
  await page.getByRole('button', { name: 'Replace with my text' }).click();
  await expect(page).toHaveURL(`${server.url}/docs/opinions`);
  expect(repo.read('OPINIONS.md')).toBe(text.replace('line 8', 'mine'));
  // The other text is a version that can be restored.
  await page.getByRole('link', { name: 'History' }).click();
  await page.getByRole('link', { name: 'Changed outside of CAR' }).first().click();
  await expect(page.getByText('Changed since then')).toBeVisible();
  await page.getByRole('button', { name: 'Restore this version' }).click();
  await expect(page.getByRole('article').getByText('theirs')).toBeVisible();
  expect(repo.read('OPINIONS.md')).toBe(text.replace('line 0', 'theirs'));
  // And the draft is gone.
  await edit(page, server, 'opinions');
  await expect(source(page)).toHaveValue(text.replace('line 0', 'theirs'));
});

test('two changes at different places are saved together', async ({ page, workplace }) => {
  const { repo, server } = await open(workplace, page);
  const text = Array.from({ length: 9 }, (_, n) => `line ${n}\n`).join('');
  await edit(page, server, 'opinions');
  await source(page).fill(text);
  await source(page).press('Control+s');
  await expect(page).toHaveTitle('OPINIONS · tides · CAR');
  await source(page).fill(text.replace('line 8', 'mine'));
  repo.write('OPINIONS.md', text.replace('line 0', 'theirs'));
  await source(page).press('Control+s');
  await page.getByRole('button', { name: 'Save both together' }).click();
  await expect(page).toHaveURL(`${server.url}/docs/opinions`);
  expect(repo.read('OPINIONS.md')).toBe(text.replace('line 0', 'theirs').replace('line 8', 'mine'));
});

test('without JavaScript documents are read, ticked, edited and kept apart', async ({ browser, page, workplace }) => {
  const repo = workplace.repo('tides', items);
  const server = await workplace.serve(repo.root);
  await page.close();
  const plain = await unscripted(browser, server);
  await plain.getByRole('link', { name: 'Documents' }).first().click();
  await plain.getByRole('checkbox', { name: items[0] }).click();
  await expect(plain.getByRole('checkbox', { name: items[0] })).toBeChecked();
  expect(repo.read('TODO.md')).toBe(`- [x] ${items[0]}\n- [ ] ${items[1]}\n`);
  await plain.getByRole('link', { name: 'Source' }).click();
  await source(plain).fill('# Plan </textarea>\n\n- [ ] One\n');
  await plain.getByRole('button', { name: 'Save' }).click();
  await expect(plain.getByRole('checkbox', { name: 'One' })).toBeVisible();
  expect(repo.read('TODO.md')).toBe('# Plan </textarea>\n\n- [ ] One\n');
  await plain.getByRole('link', { name: 'Source' }).click();
  await expect(source(plain)).toHaveValue('# Plan </textarea>\n\n- [ ] One\n');
  await source(plain).fill('- [ ] Mine\n');
  repo.write('TODO.md', '- [ ] Theirs\n');
  await plain.getByRole('button', { name: 'Save' }).click();
  await expect(plain.getByText('was changed by somebody else while you wrote')).toBeVisible();
  await plain.getByRole('link', { name: 'Edit my text' }).click();
  await expect(source(plain)).toHaveValue('- [ ] Mine\n');
  await source(plain).fill('- [ ] Theirs\n- [ ] Mine\n');
  await plain.getByRole('button', { name: 'Save' }).click();
  await expect(plain.getByRole('checkbox', { name: 'Theirs' })).toBeVisible();
  expect(repo.read('TODO.md')).toBe('- [ ] Theirs\n- [ ] Mine\n');
  await plain.context().close();
});

test('what is typed before WebAssembly arrived stays', async ({ page, workplace }) => {
  const { server } = await open(workplace, page);
  let arrive = () => {};
  const arrived = new Promise<void>(done => (arrive = done));
  await page.route('**/pkg/car.wasm*', async route => {
    await arrived;
    await route.continue();
  });
  await page.goto(`${server.url}/docs/spec?view=source`);
  await source(page).fill('Early words');
  arrive();
  await ready(page);
  await expect(source(page)).toHaveValue('Early words');
  await expect(page).toHaveTitle('• SPEC · tides · CAR');
});

test('in a hub each repository has its documents', async ({ page, workplace }) => {
  const first = workplace.repo('alpha', ['One']);
  workplace.repo('beta', ['Two']);
  first.car('init', '--mode', 'hub', '--path', workplace.dir);
  const server = await workplace.serve(workplace.dir);
  await server.open(page);
  await page.goto(`${server.url}/repos/beta/docs`);
  await ready(page);
  await page.getByRole('checkbox', { name: 'Two' }).click();
  await expect(page.getByRole('checkbox', { name: 'Two' })).toBeChecked();
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: /alpha/ }).click();
  await page.getByRole('navigation', { name: 'Pages of alpha' }).filter({ visible: true }).getByRole('link', { name: 'Documents' }).click();
  await expect(page).toHaveURL(`${server.url}/repos/alpha/docs`);
  await expect(page.getByRole('checkbox', { name: 'One' })).toBeVisible();
});

const sizes = { phone: { width: 390, height: 844 }, desktop: { width: 1440, height: 900 } };

for (const scheme of ['dark', 'light'] as const) {
  for (const [name, viewport] of Object.entries(sizes)) {
    test(`the documents fit a ${name} in ${scheme}`, async ({ browser, workplace }, info) => {
      const repo = workplace.repo('tide-table', ['Show the tides as a table', 'Make the page fit a phone']);
      repo.write('SPEC.md', spec.replace(/<script.*\n/, ''));
      repo.write('TODO.md', [
        '# Tides 2.0', '', 'What is left before the summer.', '', '## Table', '',
        '- [ ] Show the tides as a table of `high` and `low` water', '  - [x] Read the harbour file', '  - [ ] Round to minutes', '- [x] Make the page fit a phone that is held in one hand on a boat', '',
      ].join('\n'));
      const server = await workplace.serve(repo.root);
      const context = await browser.newContext({ viewport, colorScheme: scheme, hasTouch: name === 'phone', isMobile: name === 'phone' });
      const page = await context.newPage();
      await server.open(page);
      const shot = async (what: string) => {
        await page.screenshot({ path: info.outputPath(`${what}-${name}-${scheme}.png`), fullPage: true });
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        expect(overflow, `${what} does not scroll sideways`).toBeLessThanOrEqual(0);
      };
      if (name === 'phone') {
        await page.getByRole('navigation', { name: 'Pages of tide-table' }).filter({ visible: true }).getByRole('link', { name: 'Documents' }).click();
      } else {
        await page.goto(`${server.url}/docs`);
      }
      await ready(page);
      await expect(page.getByRole('checkbox', { name: /Round/ })).toBeVisible();
      await shot('todo');
      await page.goto(`${server.url}/docs/spec`);
      await shot('spec');
      await page.goto(`${server.url}/docs/snapshot`);
      await shot('blank');
      await edit(page, server);
      await shot('source');
      await source(page).fill(`${repo.read('TODO.md')}- [ ] Mine\n`);
      await shot('dirty');
      repo.write('TODO.md', repo.read('TODO.md').replace('2.0', '2.1'));
      await page.getByRole('button', { name: 'Save' }).click();
      await expect(page.getByRole('heading', { name: 'Your text' })).toBeVisible();
      await shot('conflict');
      await page.getByRole('link', { name: 'Keep the present text' }).click();
      await page.getByRole('link', { name: 'History' }).click();
      await expect(page.getByText('present', { exact: true })).toBeVisible();
      await shot('history');
      await page.getByRole('link', { name: 'Not saved: another change came first' }).click();
      await expect(page.getByText('Changed since then')).toBeVisible();
      await shot('version');
      await context.close();
    });
  }
}
