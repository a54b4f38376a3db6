import { execFileSync } from 'node:child_process';
import { expect, test } from '../fixtures/test';

test('two browsers, one of them behind nginx, and a script see the same loop at work', async ({ page, browser, workplace }) => {
  const repo = workplace.repo('tides', ['One', 'Two', 'Three'], 150);
  const server = await workplace.serve(repo.root, undefined, ['--base-path', '/tools/car']);
  const proxy = await workplace.proxy(server);
  const far = await (await browser.newContext()).newPage();

  await server.open(page);
  const code = repo.car('pair').match(/Code: {2}(\S+)/)?.[1] ?? '';
  await far.goto(`${proxy.url}/repos/tides`);
  await far.getByLabel('Pairing code').fill(code);
  await far.getByRole('button', { name: 'Pair this device' }).click();
  expect(far.url()).toBe(`${proxy.url}/repos/tides`);

  for (const one of [page, far]) await expect(one.getByText('Connected').first()).toBeVisible();
  // A click behind the proxy is a server function; what follows comes to both as events.
  await far.getByRole('button', { name: 'Start' }).click();
  for (const one of [page, far]) {
    await expect(one.getByRole('heading', { level: 1, name: 'tides' })).toBeVisible();
    await expect(one.getByText('Finished').first()).toBeVisible();
    await expect(one.getByText('3 of 3').first()).toBeVisible();
  }

  // Links inside of the page stay below the base path.
  await far.locator('a[href="/tools/car/"]').first().click();
  await expect(far).toHaveURL(`${proxy.url}/`);
  await expect(far.getByRole('heading', { level: 1, name: 'tides' })).toBeVisible();

  const token = repo.read('server-token').trim();
  const ask = (path: string) => execFileSync('curl', [
    '--silent', '--fail', '--max-time', '20', '--header', `Authorization: Bearer ${token}`, proxy.url + path,
  ], { encoding: 'utf8' });
  expect(JSON.parse(ask('/health'))).toMatchObject({ status: 'ok', base_path: '/tools/car' });
  expect(JSON.parse(ask('/api/devices'))).toHaveLength(2);
});

test('a page behind nginx works without JavaScript, too', async ({ browser, workplace }) => {
  const repo = workplace.repo('tides', ['One']);
  const proxy = await workplace.proxy(await workplace.serve(repo.root, undefined, ['--base-path', 'car']));
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${proxy.url}/`);
  await page.getByLabel('Pairing code').fill(repo.car('pair').match(/Code: {2}(\S+)/)?.[1] ?? '');
  await page.getByRole('button', { name: 'Pair this device' }).click();
  await page.getByRole('button', { name: 'Run once' }).click();
  await expect(page).toHaveURL(new RegExp(`^${proxy.url}/`));
  await expect(async () => {
    await page.reload();
    await expect(page.getByText('Finished').first()).toBeVisible({ timeout: 1_000 });
  }).toPass();
  await context.close();
});

test('a terminal behind nginx shows what its shell writes, and its socket is closed with the shell', async ({ page, workplace }) => {
  const repo = workplace.repo('tides', ['One']);
  const proxy = await workplace.proxy(await workplace.serve(repo.root, undefined, ['--base-path', '/tools/car']));
  await page.goto(`${proxy.url}/repos/tides`);
  await page.getByLabel('Pairing code').fill(repo.car('pair').match(/Code: {2}(\S+)/)?.[1] ?? '');
  await page.getByRole('button', { name: 'Pair this device' }).click();
  await expect(page).toHaveURL(`${proxy.url}/repos/tides`);

  const told = await page.evaluate(async base => {
    const address = base.replace('http', 'ws');
    const socket = new WebSocket(`${address}/repos/tides/api/terminal?v=2&mode=shell`);
    socket.binaryType = 'arraybuffer';
    const frames: Record<string, unknown>[] = [];
    let output = '';
    const closed = new Promise<number>(resolve => socket.addEventListener('close', event => resolve(event.code)));
    const exit = new Promise<void>(resolve => socket.addEventListener('message', ({ data }) => {
      if (typeof data !== 'string') {
        output += new TextDecoder().decode(new Uint8Array(data as ArrayBuffer, 8));
        return;
      }
      const frame = JSON.parse(data) as Record<string, unknown>;
      frames.push(frame);
      if (frame.type === 'hello') {
        socket.send(JSON.stringify({ type: 'input', id: 'one', data: 'echo $((40 + 2)); exit 7\n' }));
      }
      if (frame.type === 'exit') resolve();
    }));
    const code = await closed;
    await exit;
    return { code, output, frames };
  }, proxy.url);
  expect(told.code).toBe(1000);
  expect(told.output).toContain('42');
  expect(told.frames).toContainEqual(expect.objectContaining({ type: 'ack', id: 'one', ok: true }));
  expect(told.frames).toContainEqual(expect.objectContaining({ type: 'exit', code: 7 }));
});
