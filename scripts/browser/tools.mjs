// Playwright and axe from the folder that test.sh put them in, and Chromium from
// the system.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const require = createRequire(process.env.NABZ_BROWSER_MODULES + '/');
export const { chromium } = require('playwright-core');
export const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

export function launch() {
  return chromium.launch({ executablePath: process.env.NABZ_CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}
