// Shows the page with made-up numbers: node view.mjs [PORT]; the key is "right".
import { Fake, center } from './fake.mjs';

const fake = await new Fake().start(Number(process.argv[2] ?? 0));
center(fake);
fake.beat();
console.log(`${fake.url}/#ticket=good`);
