// The page of a code: counts down to the next mail, and goes on when this browser has got a session in another tab.

const wait = document.querySelector("[data-seconds]");
const again = wait.closest("form").querySelector("button");
const text = wait.textContent;
const seconds = wait.dataset.seconds;
const opened = Date.now();

function count() {
  const left = Math.max(0, Math.ceil(seconds - (Date.now() - opened) / 1000));
  again.disabled = left > 0;
  wait.hidden = left === 0;
  wait.textContent = text.replace(seconds, left);
  if (left > 0) setTimeout(count, 1000);
  // Said once, and not each second.
  else if (seconds > 0) wait.nextElementSibling.textContent = wait.dataset.then;
}
count();

const before = document.querySelector("[data-session]").dataset.session;

async function goOnIfSignedIn() {
  const answer = await fetch("/api/session");
  const { session } = answer.ok ? await answer.json() : {};
  // The server knows where to go on.
  if (session && session.id !== before) location.replace("/code");
}
addEventListener("focus", goOnIfSignedIn);
new BroadcastChannel("session").addEventListener("message", goOnIfSignedIn);
