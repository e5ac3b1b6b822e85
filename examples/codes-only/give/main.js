// Has its own forms: people sign up and in by a code, and complete their profile, without leaving the page.
import { createOstiary, OstiaryError } from "@ostiary/client";
import texts from "@ostiary/client/texts/en";

const ostiary = createOstiary({ texts });
const main = document.querySelector("main");
const alert = document.querySelector("[role=alert]");
const LABELS = { email: "Email address", code: "Code from the mail", name: "Name", phone: "Phone" };

/** Shows a form with these fields, and what the service says to them. */
function form(fields, action, submit) {
  const shown = document.createElement("form");
  for (const name of fields) {
    const label = shown.appendChild(document.createElement("label"));
    const input = document.createElement("input");
    Object.assign(input, { name, required: true, autocomplete: name === "code" ? "one-time-code" : name });
    label.append(`${LABELS[name]} `, input);
  }
  shown.appendChild(document.createElement("button")).textContent = action;
  shown.onsubmit = async (event) => {
    event.preventDefault();
    alert.textContent = "";
    try {
      await submit(Object.fromEntries(new FormData(shown)));
    } catch (error) {
      if (!(error instanceof OstiaryError)) throw error;
      alert.textContent = [error.text(), ...Object.values(error.fields)].join(" ");
    }
  };
  main.replaceChildren(shown);
}

const askForAddress = () =>
  form(["email"], "Email me a code", async ({ email }) => {
    await ostiary.requestKey({ email, returnTo: location.href });
    form(["code"], "Sign in", ({ code }) => ostiary.signIn({ method: "code", email, code }));
  });

function show() {
  const { session, error } = ostiary.state();
  if (!session) alert.textContent = error ? "The service cannot be reached." : "";
  else if (!session.user) askForAddress();
  else if (session.onboarding.required) form(session.onboarding.fields, "Save", (fields) => ostiary.completeProfile(fields));
  else {
    const out = document.createElement("button");
    out.textContent = "Sign out";
    out.onclick = () => ostiary.signOut();
    main.replaceChildren(`${session.user.name} gives`, " ", out);
  }
}

ostiary.subscribe(show);
