// Runs before the first paint, so that a chosen theme never flashes in the other one.
// The choice is "light", "dark" or nothing: then the system decides.
try {
  const theme = JSON.parse(localStorage.getItem("playground.theme"));
  if (theme) document.documentElement.dataset.theme = theme;
} catch {
  // A browser that keeps nothing follows the system.
}
