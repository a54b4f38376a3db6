// Not part of the tests: measures the release build in a slow browser behind a slow network.
import base from '../playwright.config';

export default { ...base, testDir: '.', workers: 1, timeout: 300_000, use: { ...base.use, trace: 'off' as const } };
