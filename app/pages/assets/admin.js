// The console: a form that needs a proof asks for the password in a dialog first, and keeps what has been typed.

const dialog = document.getElementById("proof");
const secret = document.getElementById("proof-secret");
const error = document.getElementById("proof-error");
let waiting = null;

const say = (text) => {
  error.textContent = text;
  error.hidden = !text;
  secret.toggleAttribute("aria-invalid", Boolean(text));
};

if (dialog) {
  for (const form of document.querySelectorAll("form[data-proof]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      waiting = form;
      say("");
      dialog.showModal();
      secret.focus();
    });
  }
  dialog.querySelector("[data-closes]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => { secret.value = ""; });
  dialog.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = await fetch("/api/session/reauthentication", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ method: "password", secret: secret.value }),
    });
    // `submit` sends the form as it is, without asking again.
    if (answer.ok) return waiting.submit();
    const problem = await answer.json();
    say(problem.text);
    secret.value = "";
    secret.focus();
  });
}
