// Not part of the tests: renders pictures for the documentation.
import base from '../playwright.config';

export default { ...base, testDir: '.' };
