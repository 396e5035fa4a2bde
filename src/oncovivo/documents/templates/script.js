// Pop-ups for links to cards and references. Without this script the links jump to their anchors.
(() => {
  "use strict";
  const popup = document.querySelector(".ov-popup");
  if (!popup || typeof popup.showModal !== "function") return;
  const heading = document.getElementById(popup.getAttribute("aria-labelledby"));
  const content = popup.querySelector("[data-content]");
  const scroller = popup.querySelector(".ov-popup-scroll");
  const back = popup.querySelector("[data-back]");
  const show = popup.querySelector("[data-show]");
  // What the reader came through: [{ id, link }], link being the number of the link that led on.
  let trail = [];
  let opener = null;
  let landing = null;

  const sourceOf = (id) => document.getElementById(id);
  const idOf = (link) => decodeURIComponent(link.hash.slice(1));

  const copyInto = (target, nodes) => {
    target.replaceChildren(...nodes.map((node) => node.cloneNode(true)));
    for (const element of target.querySelectorAll("[id]")) element.removeAttribute("id");
  };

  const draw = (id) => {
    const source = sourceOf(id);
    const title = source.dataset.popTitle;
    if (title) heading.textContent = title;
    else copyInto(heading, [...source.firstElementChild.childNodes]);
    copyInto(content, [source.querySelector("[data-body]")]);
    show.href = "#" + encodeURIComponent(id);
    back.hidden = trail.length < 2;
    scroller.scrollTop = 0;
  };

  const open = (id, link) => {
    if (popup.open) {
      trail[trail.length - 1].link = [...popup.querySelectorAll("[data-pop]")].indexOf(link);
    } else {
      trail = [];
      opener = link;
      landing = null;
      popup.showModal();
    }
    trail.push({ id, link: -1 });
    draw(id);
    heading.focus();
  };

  const goBack = () => {
    trail.pop();
    const now = trail[trail.length - 1];
    draw(now.id);
    (popup.querySelectorAll("[data-pop]")[now.link] || heading).focus();
  };

  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest("a[href^='#']");
    if (!link) return;
    const id = idOf(link);
    if (link.hasAttribute("data-pop") && sourceOf(id)) {
      event.preventDefault();
      open(id, link);
    } else if (popup.contains(link)) {
      landing = sourceOf(id);
      popup.close();
    }
  });
  back.addEventListener("click", goBack);
  popup.querySelector("[data-close]").addEventListener("click", () => popup.close());
  popup.addEventListener("click", (event) => {
    if (event.target === popup) popup.close(); // the backdrop; the content fills the dialog
  });
  popup.addEventListener("close", () => {
    const target = landing || opener;
    if (!target) return;
    if (landing && !landing.hasAttribute("tabindex")) landing.setAttribute("tabindex", "-1");
    target.focus({ preventScroll: Boolean(landing) });
    landing = null;
  });
  for (const link of document.querySelectorAll("a[data-pop]")) {
    link.setAttribute("aria-haspopup", "dialog");
  }

  // On a narrow screen the table of contents starts closed.
  const contents = document.querySelector(".ov-contents details");
  if (window.matchMedia("(max-width: 64rem)").matches) contents.open = false;

  // Where the reader is, in the table of contents.
  const entries = new Map();
  for (const link of contents.querySelectorAll("a")) entries.set(idOf(link), link);
  const seen = new Set();
  const watcher = new IntersectionObserver((changes) => {
    for (const change of changes) {
      if (change.isIntersecting) seen.add(change.target.id);
      else seen.delete(change.target.id);
    }
    const here = [...entries.keys()].find((id) => seen.has(id));
    if (!here) return;
    for (const [id, link] of entries) {
      if (id === here) link.setAttribute("aria-current", "location");
      else link.removeAttribute("aria-current");
    }
  }, { rootMargin: "-10% 0px -70% 0px" });
  for (const id of entries.keys()) watcher.observe(sourceOf(id));

  // Paper shows what is folded on the screen.
  let folded = [];
  window.addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const element of folded) element.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const element of folded) element.open = false;
  });
})();
