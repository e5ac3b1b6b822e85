import { useLoaderData, type LoaderFunctionArgs } from "react-router";
import type { ItemOf } from "@ostiary/client";
import { authorize, ostiary } from "./ostiary.js";

type Member = ItemOf<"/api/languages/{languageCode}/members">;

export const loadMembers = authorize(
  { action: "administer", subject: "Language", id: ({ params }: LoaderFunctionArgs) => params.code },
  async ({ params }: LoaderFunctionArgs) => {
    const members: Member[] = [];
    const path = { languageCode: params.code! };
    for await (const member of ostiary.items("/api/languages/{languageCode}/members", { path })) members.push(member);
    return members;
  },
);

export function Members() {
  const members = useLoaderData<Member[]>();
  return (
    <>
      <h1>Members</h1>
      <ul>
        {members.map(({ userId, email, roles }) => (
          <li key={userId}>
            {email}: {roles.join(", ") || "reader"}
          </li>
        ))}
      </ul>
    </>
  );
}
