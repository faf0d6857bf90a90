// Takes pictures of the page: node shots.mjs FOLDER [URL]; without a URL, of the
// fake gateway.
import { Fake, center } from './fake.mjs';
import { launch } from './tools.mjs';

const [folder, given] = process.argv.slice(2);
let url = given, fake = null;
if (!url) {
  fake = await new Fake().start();
  // A chart shows the most in the late afternoon, which it is somewhere.
  const hour = (zone) => Number(new Intl.DateTimeFormat('en', { timeZone: zone, hour: 'numeric', hourCycle: 'h23' }).format());
  fake.zone = ['Asia/Tehran', 'Europe/Berlin', 'America/New_York', 'America/Los_Angeles', 'Pacific/Auckland', 'Asia/Tokyo'].find((z) => hour(z) >= 15 && hour(z) < 22) ?? fake.zone;
  center(fake);
  fake.beat();
  url = `${fake.url}/#ticket=good`;
}
const browser = await launch();
const [address, ticket] = url.split('#');
const views = [
  ['wallboard', 'lang=en', 'light', 1600, 900], // of docs/images
  ['en-light', 'lang=en', 'light', 1920, 1080], ['fa-light', 'lang=fa', 'light', 1920, 1080], ['en-dark', 'lang=en', 'dark', 1366, 768],
  ['fa-dark-kiosk', 'lang=fa&kiosk=1', 'dark', 1920, 1080], ['en-kiosk', 'lang=en&kiosk=1', 'dark', 1920, 1080], ['en-phone', 'lang=en', 'light', 390, 844],
];
const only = process.env.ONLY?.split(',');
for (const [name, query, colorScheme, width, height] of views) {
  if (only && !only.includes(name)) continue;
  const page = await browser.newPage({ colorScheme, viewport: { width, height } });
  page.on('console', (m) => console.log(name, m.type(), m.text()));
  page.on('pageerror', (e) => console.log(name, 'error', e.message));
  await page.goto(`${address}?${query}#${ticket}`);
  await page.waitForSelector('body[data-level=fresh]');
  await page.waitForTimeout(1500);
  await page.screenshot({ path: `${folder}/${name}.png`, fullPage: name === 'en-phone' });
  await page.close();
}
await browser.close();
await fake?.stop();
