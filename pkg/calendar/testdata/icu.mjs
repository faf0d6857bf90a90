// What ICU, as Node carries it, says of Jalali dates and of offsets, for tests.
//   node icu.mjs jalali           a line for each day of 1990 to 2050: day year month day
//   node icu.mjs offsets < lines  lines "zone ms" become "zone ms offset", ms
import { readFileSync } from 'node:fs'

const part = (parts, type) => Number(parts.find((p) => p.type === type).value)

if (process.argv[2] === 'jalali') {
  const format = new Intl.DateTimeFormat('fa-IR-u-ca-persian-nu-latn', { timeZone: 'UTC', year: 'numeric', month: 'numeric', day: 'numeric' })
  const out = []
  for (let day = Date.UTC(1990, 0, 1) / 864e5; day < Date.UTC(2051, 0, 1) / 864e5; day++) {
    const parts = format.formatToParts(day * 864e5)
    out.push([day, part(parts, 'year'), part(parts, 'month'), part(parts, 'day')].join(' '))
  }
  console.log(out.join('\n'))
} else {
  const formats = new Map()
  const out = [`# ${process.versions.tz}`]
  for (const line of readFileSync(0, 'utf8').trim().split('\n')) {
    const [zone, text] = line.split(' ')
    if (!formats.has(zone)) {
      const fields = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' }
      formats.set(zone, new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', ...fields }))
    }
    const parts = formats.get(zone).formatToParts(Number(text))
    const [y, mo, d, h, mi, s] = ['year', 'month', 'day', 'hour', 'minute', 'second'].map((type) => part(parts, type))
    out.push(`${line} ${Date.UTC(y, mo - 1, d, h, mi, s) - Number(text)}`)
  }
  console.log(out.join('\n'))
}
