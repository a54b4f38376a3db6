// Terminals with a real shell behind them: what is typed arrives once, what it writes is shown, whatever happens in between.
import { type Page } from '@playwright/test';
import { type Server } from '../fixtures/car';
import { Codex } from '../fixtures/codex';
import { expect, test } from '../fixtures/test';

/** What a terminal says to programs that ask for its text: the accessible tree xterm keeps for screen readers. */
function screen(page: Page) {
  return page.locator('.xterm-accessibility-tree');
}

/** Lets the terminal tell its text; drawn letters cannot be read. */
async function speak(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('button', { name: /Tell the screen reader/ }).click();
  await page.keyboard.press('Escape');
}

/** Starts what the button `name` starts from the page of `server`, and waits until it can be read. */
async function begin(page: Page, server: Server, name: string): Promise<void> {
  await server.open(page);
  await page.goto(`${server.url}/terminal`);
  await page.getByRole('button', { name, exact: true }).click();
  await page.waitForURL(/\/terminal\/[0-9a-f-]{36}$/);
  await expect(page.locator('.xterm-screen')).toBeVisible();
  await expect(page.getByText('This device types and sets the size')).toBeAttached();
  await speak(page);
}

/** Starts a shell from the page of `server` and waits until it is there. */
async function shell(page: Page, server: Server): Promise<void> {
  await begin(page, server, 'Shell');
  await type(page, 'PS1="ready> "; clear');
  await expect(screen(page)).toContainText('ready>');
}

async function type(page: Page, text: string): Promise<void> {
  await page.locator('.xterm-helper-textarea').focus();
  await page.keyboard.type(text);
  await page.keyboard.press('Enter');
}

/** Pastes `text` as a browser does. */
async function paste(page: Page, text: string): Promise<void> {
  await page.locator('.xterm-helper-textarea').evaluate((area, text) => {
    const data = new DataTransfer();
    data.setData('text/plain', text);
    area.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  }, text);
}

/** Takes what a lost connection makes the browser say out of the list of errors. */
function forgive(errors: string[]): void {
  const isOurs = (text: string) => /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|WebSocket connection to/.test(text);
  errors.splice(0, errors.length, ...errors.filter(text => !isOurs(text)));
}

test('what is typed reaches the shell, and what it writes is shown', async ({ page, workplace }) => {
  const repo = workplace.repo('tides', []);
  const server = await workplace.serve(repo.root);
  await shell(page, server);
  await type(page, 'echo "sum $((40 + 2))"');
  await expect(screen(page)).toContainText('sum 42');
  await paste(page, "printf '日本語 🚀 é\\n'");
  await page.keyboard.press('Enter');
  await expect(screen(page)).toContainText('日本語 🚀 é');
  await expect(page).toHaveTitle(/tides · CAR$/);
  await type(page, "printf '\\e]0;My title\\a'");
  await expect(page).toHaveTitle(/My title · tides · CAR$/);
  await expect(page.getByRole('navigation', { name: 'Terminals' }).getByText('My title')).toBeVisible();
});

test('a paste arrives as it is, and a program that takes the whole screen gets its keys', async ({ page, workplace }) => {
  const repo = workplace.repo('tides', []);
  const server = await workplace.serve(repo.root);
  await shell(page, server);
  await paste(page, 'echo "pasted: two words"');
  await page.keyboard.press('Enter');
  await expect(screen(page)).toContainText('pasted: two words');
  await type(page, 'seq 1 500 | less');
  await page.keyboard.press('End');
  await type(page, 'G');
  await expect(screen(page)).toContainText('500');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowUp');
  await expect(screen(page)).not.toContainText('500');
  await page.keyboard.type('q');
  await expect(screen(page)).toContainText('ready>');
});

test('the terminal has the size of its window', async ({ page, workplace }) => {
  const repo = workplace.repo('tides', []);
  const server = await workplace.serve(repo.root);
  await page.setViewportSize({ width: 1440, height: 900 });
  await shell(page, server);
  const grid = page.getByText(/^\d+ × \d+$/);
  const wide = await grid.textContent();
  await page.setViewportSize({ width: 1100, height: 600 });
  await expect(grid).not.toHaveText(wide ?? '');
  const [cols, rows] = (await grid.textContent() ?? '').split(' × ');
  await type(page, 'stty size');
  await expect(screen(page)).toContainText(`${rows} ${cols}`);
});

test('a server that is killed and started again loses nothing', async ({ page, workplace, consoleErrors }) => {
  const repo = workplace.repo('tides', []);
  const server = await workplace.serve(repo.root);
  await shell(page, server);
  await type(page, 'for n in $(seq 1 20); do echo "line $n"; done; sleep 2; echo "after"; sleep 4; echo "the end"');
  await expect(screen(page)).toContainText('line 20');
  await server.kill();
  await expect(page.getByText(/Connection lost, trying again/).first()).toBeVisible();
  // What is typed meanwhile waits, and is shown to wait.
  await page.locator('.xterm-helper-textarea').focus();
  await page.keyboard.type('echo typed-$((1 + 1))');
  await page.keyboard.press('Enter');
  await expect(page.getByText('echo typed-$((1 + 1))⏎')).toBeVisible();
  await workplace.serve(repo.root, server);
  await expect(page.getByText(/Connection lost/).first()).toBeHidden();
  await expect(screen(page)).toContainText('the end');
  await expect(screen(page)).toContainText('typed-2');
  const text = await screen(page).innerText();
  for (const once of ['line 1\n', 'line 20', 'after\n', 'the end\n', 'typed-2\n']) {
    expect(text.split(once).length - 1, once).toBe(1);
  }
  forgive(consoleErrors);
});

test('the real Codex is talked with, works, and is still there after the page was left', async ({ page, workplace }) => {
  test.slow();
  const repo = workplace.repo('tides', ['Write the tide table']);
  const codex = await Codex.start(workplace.dir, repo);
  const server = await workplace.serve(repo.root);
  await begin(page, server, 'Codex');
  await expect(screen(page)).toContainText('OpenAI Codex');
  const typed = '<TODO>- [ ] Write the tide table, see .codex-autorunner/TODO.md';
  await page.locator('.xterm-helper-textarea').focus();
  // Codex takes keys that come too fast for a paste, and Enter for a line of it.
  await page.keyboard.type(typed, { delay: 30 });
  await expect(screen(page)).toContainText('.codex-autorunner/TODO.md');
  await page.keyboard.press('Enter');
  await expect(screen(page)).toContainText('Done: Write the tide table');
  expect(repo.read('TODO.md')).toBe('- [x] Write the tide table\n');

  await page.goto(`${server.url}/`);
  await page.goto(`${server.url}/terminal`);
  await expect(page.getByText('This device types and sets the size')).toBeAttached();
  await speak(page);
  await expect(screen(page)).toContainText('Done: Write the tide table');
  await page.locator('.xterm-helper-textarea').focus();
  await page.keyboard.type('/quit', { delay: 60 });
  await expect(screen(page)).toContainText('/quit');
  await page.keyboard.press('Enter');
  await expect(page.getByText(/ended/i).filter({ visible: true }).first()).toBeVisible();
  expect(await codex.stop()).toBe(0);
});

test('a second browser looks on, and takes over when it is asked to', async ({ page, browser, workplace }) => {
  const repo = workplace.repo('tides', []);
  const server = await workplace.serve(repo.root);
  await shell(page, server);
  const context = await browser.newContext({ viewport: { width: 900, height: 600 } });
  const other = await context.newPage();
  const link = repo.car('open', '--print').match(/http:\/\/\S+/)?.[0] ?? '';
  await other.goto(link);
  // Without an address of its own it finds what is going on.
  await other.goto(`${server.url}/terminal`);
  await expect(other.getByText(/You look on\./)).toBeVisible();
  await expect(page.getByText(/looks on$/)).toBeVisible();
  await type(page, 'echo "seen by $((1 + 1))"');
  await speak(other);
  await expect(screen(other)).toContainText('seen by 2');
  await other.getByRole('button', { name: 'Take over' }).click();
  await expect(other.getByText('This device types and sets the size')).toBeVisible();
  await expect(page.getByText(/You look on\./)).toBeVisible();
  await type(other, 'echo "typed by the $((2))nd"');
  await expect(screen(page)).toContainText('typed by the 2nd');
  await context.close();
});

test('ending a terminal asks first, and what it showed stays', async ({ page, workplace }) => {
  const repo = workplace.repo('tides', []);
  const server = await workplace.serve(repo.root);
  await shell(page, server);
  await type(page, 'echo "last words"');
  await expect(screen(page)).toContainText('last words');
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('button', { name: 'End terminal…' }).click();
  await page.getByRole('button', { name: 'Keep it' }).click();
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('button', { name: 'End terminal…' }).click();
  await page.getByRole('button', { name: 'End terminal', exact: true }).click();
  await expect(page.getByText(/The program (has ended|was ended)/).first()).toBeVisible();
  await page.getByRole('link', { name: 'New terminal' }).click();
  await page.getByRole('heading', { name: 'Ended' }).waitFor();
  await page.getByRole('listitem').getByRole('link').last().click();
  await speak(page);
  await expect(screen(page)).toContainText('last words');
});

test('a terminal is started and listed without WebAssembly', async ({ browser, workplace }) => {
  const repo = workplace.repo('tides', []);
  const server = await workplace.serve(repo.root);
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(server.loginLink);
  await page.getByRole('button', { name: 'Pair this device' }).click();
  await page.goto(`${server.url}/terminal`);
  await page.getByRole('button', { name: 'Shell' }).click();
  await page.waitForURL(/\/terminal\/[0-9a-f-]{36}$/);
  await expect(page.getByText(/^Shell, started/)).toBeVisible();
  await expect(page.getByRole('navigation', { name: 'Terminals' }).getByRole('link')).toHaveCount(2);
  await context.close();
});

test('an image that is picked lies on the server, and the text names where', async ({ page, workplace }) => {
  const repo = workplace.repo('tides', []);
  const server = await workplace.serve(repo.root);
  await shell(page, server);
  await page.getByRole('button', { name: 'Write in a field' }).click();
  // The smallest PNG there is: one pixel.
  const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
  await page.getByLabel('Attach images').setInputFiles({ name: 'tide.png', mimeType: 'image/png', buffer: Buffer.from(png, 'base64') });
  await expect(page.getByText('tide.png')).toBeVisible();
  await expect(page.getByText('is being sent')).toBeHidden();
  await page.getByLabel('Text for the terminal').fill('ls -l \\');
  await page.getByRole('button', { name: 'Send' }).click();
  await expect(screen(page)).toContainText(/-rw\S+ .*terminal-images\/\S+\.png/);
  await expect(page.getByText('tide.png')).toBeHidden();
});

test('a search marks what it finds, and the text can be read without the screen', async ({ page, workplace }) => {
  const repo = workplace.repo('tides', []);
  const server = await workplace.serve(repo.root);
  await shell(page, server);
  await type(page, 'seq 1 200');
  await expect(screen(page)).toContainText('200');
  await page.keyboard.press('Control+Shift+F');
  await page.getByLabel('Find in this terminal').fill('19');
  await expect(page.getByText(/^\d+ of 12$/)).toBeVisible();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Read as text' }).click();
  const text = page.getByRole('region', { name: 'Text of this terminal' });
  await expect(text).toContainText('1\n2\n3');
  await text.getByRole('button', { name: /^Back/ }).click();
  await expect(text).toBeHidden();
});

test('a terminal of a hub below a base path is reached through a proxy', async ({ page, workplace }) => {
  const repo = workplace.repo('tides', []);
  workplace.repo('beta', []);
  repo.car('init', '--mode', 'hub', '--path', workplace.dir);
  const proxy = await workplace.proxy(await workplace.serve(workplace.dir, undefined, ['--base-path', '/tools/car']));
  await page.goto(`${proxy.url}/repos/tides/terminal`);
  await page.getByLabel('Pairing code').fill(repo.car('pair', '--path', workplace.dir).match(/Code: {2}(\S+)/)?.[1] ?? '');
  await page.getByRole('button', { name: 'Pair this device' }).click();
  await page.getByRole('button', { name: 'Shell' }).click();
  await page.waitForURL(/\/tools\/car\/repos\/tides\/terminal\/[0-9a-f-]{36}$/);
  await expect(page.locator('.xterm-screen')).toBeVisible();
  await speak(page);
  await type(page, 'pwd');
  await expect(screen(page)).toContainText('/tides');
});

test.describe('on a phone', () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });

  test('the field sends whole texts, and the keys a phone has not are there', async ({ page, workplace }) => {
    const repo = workplace.repo('tides', []);
    const server = await workplace.serve(repo.root);
    await shell(page, server);
    const field = page.getByLabel('Text for the terminal');
    await field.fill('echo "from the field"');
    await field.press('Enter');
    await expect(screen(page)).toContainText('from the field');
    await expect(field).toHaveValue('');
    // A draft outlives the page.
    await field.fill('echo "a draft"');
    await page.reload();
    await expect(field).toHaveValue('echo "a draft"');
    await speak(page);
    await page.getByRole('button', { name: 'Send' }).tap();
    await expect(screen(page)).toContainText('a draft');
    // A program that only Control and C ends.
    await field.fill('cat');
    await field.press('Enter');
    await page.getByRole('button', { name: 'Control C' }).tap();
    await expect(screen(page)).toContainText('^C');
    // Control stays down until a letter of the keyboard comes.
    await field.fill('sleep 100');
    await field.press('Enter');
    const control = page.getByRole('button', { name: 'Ctrl', exact: true });
    await control.tap();
    await expect(control).toHaveAttribute('aria-pressed', 'true');
    await page.locator('.xterm-helper-textarea').focus();
    await page.keyboard.type('c');
    await expect(control).toHaveAttribute('aria-pressed', 'false');
    // The last command comes back with the arrow.
    await page.getByRole('button', { name: 'Up', exact: true }).tap();
    await page.getByRole('button', { name: 'Control C' }).tap();
    await expect(screen(page)).toContainText('ready> sleep 100^C');
  });
});
