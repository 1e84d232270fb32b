"use strict";
(() => {
  const root = document.documentElement;
  root.dataset.scripts = "on"; // the style hides what can then be chosen
  const KEY = "emotalk-report-theme";
  const dark = matchMedia("(prefers-color-scheme: dark)");

  // A page opened from a disk may have no storage; the theme then lasts as long as the page.
  const remember = (value) => { try { localStorage.setItem(KEY, value); } catch { /* no storage */ } };
  const remembered = () => { try { return localStorage.getItem(KEY); } catch { return null; } };
  const known = remembered();
  if (known === "dark" || known === "light") root.dataset.theme = known;
  const isDark = () => (root.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";

  document.addEventListener("DOMContentLoaded", () => {
    startTheme();
    startChoosers();
    for (const pane of document.querySelectorAll(".dialogue")) startDialogue(pane);
    startPlayers();
    startNavigation();
  });

  function startTheme() {
    const button = document.getElementById("theme");
    const show = () => button.setAttribute("aria-pressed", String(isDark()));
    button.hidden = false;
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      remember(root.dataset.theme);
      show();
    });
    dark.addEventListener("change", show);
    show();
  }

  // One of several panes is shown: chosen by radio buttons or by a select.
  function startChoosers() {
    const show = (group, key) => {
      for (const pane of document.querySelectorAll(`[data-pane="${group}"]`)) pane.classList.toggle("shown", pane.dataset.key === key);
    };
    for (const field of document.querySelectorAll("[data-group]")) {
      const choose = () => show(field.dataset.group, field.querySelector("input:checked").value);
      field.addEventListener("change", choose);
      choose(); // a browser may keep the choice when the page is loaded again
    }
    for (const select of document.querySelectorAll("[data-chooses]")) {
      const choose = () => show(select.dataset.chooses, select.value);
      select.addEventListener("change", choose);
      choose();
    }
  }

  // The marks of a time line are one stop of the Tab key; arrow keys go through them in the order of speech.
  function startDialogue(pane) {
    const list = pane.querySelector(".transcript");
    const line = (mark) => Number(mark.dataset.line);
    const marks = [...pane.querySelectorAll(".mark")].sort((a, b) => line(a) - line(b));
    const show = (number, scroll) => {
      for (const one of pane.querySelectorAll("[data-line]")) one.classList.toggle("on", line(one) === number);
      const item = list.querySelector(`li[data-line="${number}"]`);
      if (scroll && item) list.scrollTop = item.offsetTop - (list.clientHeight - item.offsetHeight) / 2;
    };
    const stop = (mark) => { for (const one of marks) one.setAttribute("tabindex", one === mark ? "0" : "-1"); };
    if (marks.length) stop(marks[0]);
    marks.forEach((mark, at) => {
      mark.addEventListener("mouseenter", () => show(line(mark), true));
      mark.addEventListener("focus", () => { stop(mark); show(line(mark), true); });
      mark.addEventListener("click", (event) => { event.preventDefault(); mark.focus(); show(line(mark), true); });
      mark.addEventListener("keydown", (event) => {
        const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: marks.length - 1 }[event.key];
        if (to === undefined) return;
        event.preventDefault();
        marks[Math.max(0, Math.min(to, marks.length - 1))].focus();
      });
    });
    for (const item of list.children) item.addEventListener("mouseenter", () => show(line(item), false));
  }

  // One player at a time.
  function startPlayers() {
    const players = [...document.querySelectorAll("audio")];
    for (const player of players) {
      player.addEventListener("play", () => { for (const other of players) if (other !== player) other.pause(); });
    }
  }

  // The section that is read is marked in the bar at the top.
  function startNavigation() {
    const links = new Map([...document.querySelectorAll(".top nav a")].map((a) => [a.getAttribute("href").slice(1), a]));
    const seen = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const link = links.get(entry.target.id);
        link.classList.toggle("here", entry.isIntersecting);
        if (entry.isIntersecting) link.setAttribute("aria-current", "location");
        else link.removeAttribute("aria-current");
      }
    }, { rootMargin: "-20% 0px -79% 0px" });
    for (const id of links.keys()) seen.observe(document.getElementById(id));
  }
})();
