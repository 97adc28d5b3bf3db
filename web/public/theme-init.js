// Before the first paint: the theme that was chosen here last, so that nothing flashes.
(() => {
  try {
    const { theme, language } = JSON.parse(localStorage.getItem("duihua.look") ?? "{}");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
    const spoken = language === "zh" || language === "en" ? language : navigator.language.slice(0, 2) === "zh" ? "zh" : "en";
    document.documentElement.lang = spoken === "zh" ? "zh-CN" : "en";
  } catch {
    // Storage is forbidden or holds something else: the system's theme it is.
  }
})();
