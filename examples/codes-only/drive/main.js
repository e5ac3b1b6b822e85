// Has no forms: the pages of the service sign people in and complete their profile, and lead back.
import { createOstiary } from "@ostiary/client";
import { createAuthorize } from "@ostiary/client/authorize";

const SERVICE = import.meta.env.VITE_OSTIARY ?? "http://localhost:8000";
const pages = { signInUrl: `${SERVICE}/sign-in`, onboardingUrl: `${SERVICE}/onboarding` };
const ostiary = createOstiary({ baseUrl: SERVICE, ...pages });
const main = document.querySelector("main");

const load = createAuthorize(ostiary)({ onboarded: true }, () => ostiary.session());

async function show() {
  try {
    const { user } = await load({ url: new URL(location.href), params: {} });
    const out = document.createElement("button");
    out.textContent = "Sign out";
    out.onclick = () => ostiary.signOut();
    main.replaceChildren(`${user.name} drives`, " ", out);
  } catch (thrown) {
    const page = thrown instanceof Response && thrown.headers.get("Location");
    if (page) location.assign(page);
    else document.querySelector("[role=alert]").textContent = "The service cannot be reached.";
  }
}

ostiary.subscribe(show);
await show();
