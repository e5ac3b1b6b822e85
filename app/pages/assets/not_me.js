// The page of the link "It was not me": takes the token out of the address, into the form. The button sends it.

const token = new URLSearchParams(location.hash.slice(1)).get("token");

if (token) {
  history.replaceState(null, "", location.pathname);
  const input = document.getElementById("token");
  input.value = token;
  input.closest(".field").hidden = true;
}
