// Asks `can` and `authorize` of the package. Reads JSON from standard input: people, each with a session as the service
// has answered it, and requirements. Writes JSON: for each person and requirement what both say.
import { readFileSync } from "node:fs";
import { canOf, createOstiary } from "@ostiary/client";
import { createAuthorize } from "@ostiary/client/authorize";

/** `can`, where the requirement is a question about a subject or a type; otherwise null. */
function asked(session, { action, subject, id, any, field }) {
  if (!action) return null;
  return any && field === undefined ? canOf(session)(action, subject) : canOf(session)(action, subject, any ? null : id, field);
}

async function authorized(ostiary, requirement) {
  const args = { request: new Request("https://app.example.org/"), params: { id: requirement.id } };
  const fromArguments = "id" in requirement ? { ...requirement, id: ({ params }) => params.id } : requirement;
  try {
    return { allowed: await createAuthorize(ostiary)(fromArguments, () => true)(args), leads: null, reason: null };
  } catch (thrown) {
    if (!(thrown instanceof Response)) throw thrown;
    const leads = thrown.headers.get("Location")?.split("?")[0] ?? null;
    return { allowed: false, leads, reason: leads ? null : (await thrown.json()).reason };
  }
}

const people = JSON.parse(readFileSync(0, "utf8"));
const results = await Promise.all(
  people.map(async ({ session, requirements }) => {
    const ostiary = createOstiary({ baseUrl: "https://id.example.org", fetch: async () => Response.json(session) });
    await ostiary.session();
    return Promise.all(
      requirements.map(async (one) => ({ can: asked(ostiary.state().session, one), ...(await authorized(ostiary, one)) })),
    );
  }),
);
process.stdout.write(JSON.stringify(results));
