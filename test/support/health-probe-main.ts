import { Agent, get } from 'node:http';

// Asks /health/live again and again and keeps the longest time that an answer took.

const PAUSE_MS = 2;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const url = `${process.argv[2]}/health/live`;
let longestMs = 0;
let count = 0;

function ask(): void {
  const started = performance.now();
  get(url, { agent }, (response) => {
    response.resume().once('end', () => {
      longestMs = Math.max(longestMs, performance.now() - started);
      count += 1;
      setTimeout(ask, PAUSE_MS);
    });
  }).once('error', (error) => process.send?.({ error: error.message }));
}

process.on('message', (request) => {
  if (request === 'take') process.send?.({ longestMs, count });
  longestMs = 0;
  count = 0;
});
ask();
process.send?.({ longestMs, count });
