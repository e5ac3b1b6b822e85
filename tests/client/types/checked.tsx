// Compiles, and would not if the types were laxer: each line after @ts-expect-error is a mistake.
import { createOstiary, type ItemOf } from "@ostiary/client";
import { createAuthorize } from "@ostiary/client/authorize";
import { createAuthorize as forReactRouter } from "@ostiary/client/react-router";
import { OstiaryProvider, UserCan, useCan } from "@ostiary/client/react";
import type { LoaderFunctionArgs } from "react-router";

const ostiary = createOstiary();
const authorize = createAuthorize(ostiary);

export const one = authorize({ action: "update", subject: "Language", id: ({ params }) => params["code"] }, () => 1);
export const any = authorize({ action: "update", subject: "Language", any: true }, () => 1);
// @ts-expect-error a question about one subject names it
export const unnamed = authorize({ action: "update", subject: "Language" }, () => 1);
// @ts-expect-error not both
export const both = authorize({ action: "update", subject: "Language", id: "de", any: true }, () => 1);
// @ts-expect-error no action of the policy
export const unknown = authorize({ action: "fly", subject: "Language", any: true }, () => 1);
// @ts-expect-error no subject of the policy
export const nothing = authorize({ action: "update", subject: "Planet", any: true }, () => 1);

/** The data of the loader is that of the route. */
export const data: Promise<number> = forReactRouter(ostiary)({ signedIn: true }, async (_: LoaderFunctionArgs) => 7)(
  {} as LoaderFunctionArgs,
);

export async function calls(code: string | undefined): Promise<void> {
  ostiary.can("update", "Language");
  ostiary.can("update", "Language", "de", "name");
  // @ts-expect-error an id that may be missing
  ostiary.can("update", "Language", code);
  const { data } = await ostiary.api.GET("/api/config");
  const methods: string[] | undefined = data?.signInMethods;
  // @ts-expect-error no route
  await ostiary.api.GET("/api/nothing");
  for await (const user of ostiary.items("/api/users", { query: { limit: 5 } })) console.log(user.email, methods);
  // @ts-expect-error the path has a parameter
  for await (const member of ostiary.items("/api/languages/{languageCode}/members")) console.log(member);
  // @ts-expect-error no list
  for await (const item of ostiary.items("/api/config")) console.log(item);
  const result = await ostiary.save({ languageCode: "de", key: "title", text: "Hallo", version: null });
  // @ts-expect-error it may be a conflict
  console.log(result.saved.version);
  if (result.conflict) console.log(result.conflict.theirs?.text);
  else console.log(result.saved.version);
  // @ts-expect-error a code is text
  await ostiary.signIn({ method: "code", email: "ada@example.org", code: 12345678 });
}

export const Component = ({ session }: { session: ItemOf<"/api/sessions"> }) => {
  const can = useCan();
  return (
    <OstiaryProvider ostiary={ostiary}>
      <UserCan action="delete" subject="Session" id={session} fallback="no">
        {(may) => (may && can("create", "Language") ? "yes" : "no")}
      </UserCan>
      {/* @ts-expect-error no action of the policy */}
      <UserCan action="fly" subject="Session" />
    </OstiaryProvider>
  );
};
