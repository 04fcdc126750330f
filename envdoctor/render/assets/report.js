"use strict";
(() => {
  const root = document.documentElement;
  const radios = document.querySelectorAll('input[name="lang"]');
  const speak = () => { for (const radio of radios) if (radio.checked) root.lang = radio.value === "zh" ? "zh-Hans" : "en"; };
  for (const radio of radios) radio.addEventListener("change", speak);
  speak();
  const said = document.getElementById("said");
  const viaSelection = (node) => {
    const range = document.createRange();
    range.selectNodeContents(node);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    const done = document.execCommand("copy");
    selection.removeAllRanges();
    return done;
  };
  const copy = async (node) => {
    try { await navigator.clipboard.writeText(node.textContent); return true; } catch { return viaSelection(node); }
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    const done = await copy(button.parentElement.querySelector("code"));
    const word = root.lang === "en" ? (done ? "Copied" : "Press Ctrl+C") : (done ? "已复制" : "请按 Ctrl+C");
    said.textContent = word;
    button.dataset.done = done;
    const label = button.innerHTML;
    if (button.dataset.busy) return;
    button.dataset.busy = "1";
    button.textContent = word;
    setTimeout(() => { button.innerHTML = label; delete button.dataset.busy; said.textContent = ""; }, 1500);
  });
  const opened = [];
  addEventListener("beforeprint", () => { const more = [...document.querySelectorAll("details:not([open])")]; for (const d of more) d.open = true; opened.push(...more); });
  addEventListener("afterprint", () => { for (const d of opened.splice(0)) d.open = false; });
})();
