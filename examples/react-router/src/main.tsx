import { createRoot } from "react-dom/client";
import { createBrowserRouter, RouterProvider } from "react-router";
import { OstiaryProvider } from "@ostiary/client/react";
import { Language, loadLanguage } from "./language.js";
import { Languages, loadLanguages } from "./languages.js";
import { Layout, Refused } from "./layout.js";
import { loadMembers, Members } from "./members.js";
import { ostiary } from "./ostiary.js";
import { SignIn } from "./sign_in.js";

const router = createBrowserRouter([
  {
    Component: Layout,
    ErrorBoundary: Refused,
    HydrateFallback: () => null,
    children: [
      { path: "/", loader: loadLanguages, Component: Languages },
      { path: "/sign-in", Component: SignIn },
      { path: "/languages/:code", loader: loadLanguage, Component: Language },
      { path: "/languages/:code/members", loader: loadMembers, Component: Members },
    ],
  },
]);

createRoot(document.getElementById("root")!).render(
  <OstiaryProvider ostiary={ostiary}>
    <RouterProvider router={router} />
  </OstiaryProvider>,
);
