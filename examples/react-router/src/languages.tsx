import { Link, useLoaderData } from "react-router";
import type { ItemOf } from "@ostiary/client";
import { authorize, ostiary } from "./ostiary.js";

type Language = ItemOf<"/api/languages">;

export const loadLanguages = authorize({ onboarded: true }, async () => {
  const languages: Language[] = [];
  for await (const language of ostiary.items("/api/languages")) languages.push(language);
  return languages;
});

export function Languages() {
  const languages = useLoaderData<Language[]>();
  return (
    <>
      <h1>Languages</h1>
      <ul>
        {languages.map(({ code, name }) => (
          <li key={code}>
            <Link to={`/languages/${code}`}>{name}</Link>
          </li>
        ))}
      </ul>
    </>
  );
}
