// On every page: the focus on the error summary, buttons that show passwords, and word to the other tabs of a sign-in.

document.querySelector(".summary")?.focus();

for (const button of document.querySelectorAll("[data-reveals]")) {
  const input = document.getElementById(button.dataset.reveals);
  const show = button.textContent;
  const toggle = (shown) => {
    input.type = shown ? "text" : "password";
    button.textContent = shown ? button.dataset.hide : show;
    button.setAttribute("aria-pressed", String(shown));
  };
  button.hidden = false;
  toggle(false);
  button.addEventListener("click", () => toggle(input.type === "password"));
  // Password managers keep what is sent from a password field.
  input.form.addEventListener("submit", () => toggle(false));
}

if ("signedIn" in document.body.dataset) new BroadcastChannel("session").postMessage("signed in");
