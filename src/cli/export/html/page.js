// The page of an export: searches, filters and follows the edges that it holds.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const [SOURCE, TARGET, TYPE, AUTHOR, CONFIDENCE, TIME, STANDING] = [0, 1, 2, 3, 4, 5, 6];
  const ROWS = 200, DRAWN = 12, SVG = "http://www.w3.org/2000/svg";
  const { nodes, types, authors, edges } = data;
  const at = (id) => document.getElementById(id);
  const number = (count) => count.toLocaleString("en");
  const plural = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;
  const lower = nodes.map((name) => name.toLowerCase());
  const index = new Map(nodes.map((name, node) => [name, node]));
  const colour = (type) => {
    const known = ["implements", "references", "depends_on", "augments"].indexOf(types[type]);
    return `t${known < 0 ? 4 : known}`;
  };
  let selected = -1;
  let around = [];

  // An element with attributes and children; text is never parsed as markup.
  function element(name, attributes = {}, ...children) {
    const made = name.startsWith("svg:") ? document.createElementNS(SVG, name.slice(4)) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  const address = (node) => `#${encodeURIComponent(nodes[node])}`;
  const link = (node, ...children) => element("a", { href: address(node), "data-node": node }, ...children);

  // Fills a list with the first rows, and a button that adds more.
  function fill(list, items, row) {
    list.replaceChildren(...items.slice(0, ROWS).map(row));
    list.nextElementSibling?.matches("button") && list.nextElementSibling.remove();
    if (items.length <= ROWS) return rove(list);
    const more = element("button", { type: "button" }, `Show all ${number(items.length)}`);
    more.addEventListener("click", () => {
      const first = list.children.length;
      list.append(...items.slice(ROWS).map(row));
      more.remove();
      rove(list);
      list.children[first].querySelector("a").focus();
    });
    list.after(more);
    rove(list);
  }

  // A list is one stop of the Tab key; the arrows move within it.
  function rove(list) {
    const links = [...list.querySelectorAll("a")];
    const current = links.find((a) => a.hasAttribute("aria-current")) ?? links[0];
    links.forEach((a) => { a.tabIndex = a === current ? 0 : -1; });
  }

  function visible() {
    const wanted = new Set([...at("types").querySelectorAll("input:checked")].map((box) => Number(box.value)));
    const author = at("author").value;
    return edges.filter((edge) => wanted.has(edge[TYPE]) && (author === "" || edge[AUTHOR] === Number(author)));
  }

  // What depends on the filters: the edges around each node, and the list of paths.
  function filter() {
    const shown = visible();
    around = nodes.map(() => [[], []]);
    for (const edge of shown) {
      around[edge[SOURCE]][1].push(edge);
      around[edge[TARGET]][0].push(edge);
    }
    const words = at("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const degree = (node) => around[node][0].length + around[node][1].length;
    const found = [...nodes.keys()].filter((node) => degree(node) > 0 && words.every((word) => lower[node].includes(word)));
    found.sort((a, b) => degree(b) - degree(a) || (nodes[a] < nodes[b] ? -1 : 1));
    at("summary").textContent = `${plural(found.length, "path")} of ${number(nodes.length)}, ${plural(shown.length, "edge")} of ${number(edges.length)}`;
    fill(at("paths"), found, (node) => {
      const a = link(node, nodes[node]);
      if (node === selected) a.setAttribute("aria-current", "true");
      return element("li", {}, a, element("small", { "aria-label": plural(degree(node), "edge") }, number(degree(node))));
    });
    if (selected < 0 && found.length > 0) selected = found[0];
    show();
  }

  function day(milliseconds) {
    const date = new Date(milliseconds);
    return Number.isNaN(date.getTime()) ? "" : date.toISOString().slice(0, 10);
  }

  // The selected node, with its edges by direction and type.
  function show() {
    const [incoming, outgoing] = around[selected] ?? [[], []];
    at("name").textContent = selected < 0 ? "No path" : nodes[selected];
    draw(incoming, outgoing);
    const sections = [];
    for (const [title, list, end] of [["Outgoing", outgoing, TARGET], ["Incoming", incoming, SOURCE]]) {
      for (const type of types.keys()) {
        const group = list.filter((edge) => edge[TYPE] === type);
        if (group.length === 0) continue;
        const heading = element("h3", {}, element("span", { class: `dot ${colour(type)}` }), `${title}: ${types[type]} (${number(group.length)})`);
        const rows = element("ul", { "aria-label": `${title}, ${types[type]}` });
        const section = element("div", {}, heading, rows);
        fill(rows, group, (edge) => {
          const about = [authors[edge[AUTHOR]], day(edge[TIME]), edge[CONFIDENCE].toFixed(2), edge[STANDING]];
          const a = link(edge[end], nodes[edge[end]]);
          if (edge[STANDING]) a.className = "gone";
          return element("li", {}, a, element("small", {}, about.filter(Boolean).join(" · ")));
        });
        sections.push(section);
      }
    }
    at("edges").replaceChildren(...sections);
    for (const a of at("paths").querySelectorAll("a")) {
      a.toggleAttribute("aria-current", Number(a.dataset.node) === selected);
      if (a.hasAttribute("aria-current")) a.setAttribute("aria-current", "true");
    }
    rove(at("paths"));
  }

  // The neighbourhood: sources at the left or above, targets at the right or below.
  function draw(incoming, outgoing) {
    const width = Math.max(at("drawing").clientWidth, 280), row = 24, isWide = width >= 640;
    const neighbours = (list, end) => {
      const met = new Map();
      for (const edge of list) met.set(edge[end], edge);
      return [...met].slice(0, DRAWN).concat(met.size > DRAWN ? [[-1, null, met.size - DRAWN]] : []);
    };
    const [left, right] = [neighbours(incoming, SOURCE), neighbours(outgoing, TARGET)];
    const rows = isWide ? Math.max(left.length, right.length, 1) : left.length + right.length + 1;
    const height = rows * row + 24;
    const middle = isWide ? [width / 2, height / 2] : [20, 12 + (left.length + .5) * row];
    const parts = [];
    const place = (list, isSource) => list.forEach(([node, edge, more], nth) => {
      const first = isWide ? (rows - list.length) / 2 : isSource ? 0 : left.length + 1;
      const y = 12 + (first + nth + .5) * row;
      const x = !isWide ? 84 : isSource ? width / 2 - 110 : width / 2 + 110;
      const isEnd = isWide && isSource;
      const room = Math.floor((isWide ? width / 2 - 125 : width - 95) / 7.4);
      const name = node < 0 ? `and ${number(more)} more` : nodes[node];
      const text = element("svg:text", { x, y: y + 4, "text-anchor": isEnd ? "end" : "start" }, name.length > room ? `…${name.slice(1 - room)}` : name);
      if (node < 0) return parts.push(text);
      const from = [isEnd ? x + 8 : x - 8, y];
      const near = [middle[0] + (isWide ? (isSource ? -12 : 12) : 0), middle[1] + (isWide ? 0 : isSource ? -10 : 10)];
      const bend = isWide ? [(from[0] + near[0]) / 2, from[1], (from[0] + near[0]) / 2, near[1]] : [near[0], from[1], near[0], from[1]];
      const tip = isSource ? near : from;
      const turn = isSource && !isWide ? 90 : 0;
      parts.push(element("svg:g", { class: colour(edge[TYPE]) },
        element("svg:path", { d: `M${from}C${bend} ${near}` }),
        element("svg:path", { class: "arrow", d: "M2 0L-6 -4L-6 4Z", transform: `translate(${tip}) rotate(${turn})` })));
      parts.push(element("svg:a", { href: address(node), tabindex: -1 }, element("svg:title", {}, nodes[node]), text));
    });
    place(left, true);
    place(right, false);
    parts.push(element("svg:circle", { cx: middle[0], cy: middle[1], r: 7 }));
    if (!isWide && selected >= 0) parts.push(element("svg:text", { x: 36, y: middle[1] + 4, "font-weight": "bold" }, nodes[selected].slice(-Math.floor((width - 45) / 8))));
    const drawing = at("drawing");
    drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
    drawing.setAttribute("height", height);
    drawing.replaceChildren(...parts);
  }

  // Selects the node that the address names.
  function follow(isFirst) {
    let name;
    try { name = decodeURIComponent(location.hash.slice(1)); } catch { name = ""; }
    selected = index.get(name) ?? (isFirst ? -1 : selected);
    if (isFirst) return filter();
    show();
    at("name").focus();
  }

  document.addEventListener("keydown", (event) => {
    const list = event.target.closest("ul");
    const isField = event.target.matches("input[type=search], select");
    const links = [...(list ?? at("paths")).querySelectorAll("a")];
    const here = links.indexOf(event.target);
    const steps = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: links.length - 1 };
    if (event.key === "Escape" || (event.key === "/" && !isField)) {
      at("search").focus();
    } else if (event.key === "ArrowDown" && event.target === at("search")) {
      links[0]?.focus();
    } else if (here >= 0 && event.key in steps) {
      (links[steps[event.key]] ?? (here === 0 && list === at("paths") ? at("search") : event.target)).focus();
    } else {
      return;
    }
    event.preventDefault();
  });
  document.addEventListener("focusin", ({ target }) => {
    const list = target.closest?.("ul");
    if (list) list.querySelectorAll("a").forEach((a) => { a.tabIndex = a === target ? 0 : -1; });
  });
  at("filters").addEventListener("input", filter);
  at("filters").addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", () => follow(false));
  addEventListener("resize", () => show());

  const counts = (field, of) => of.map((_, which) => edges.filter((edge) => edge[field] === which).length);
  counts(TYPE, types).forEach((count, type) => at("types").append(element("label", {},
    element("input", { type: "checkbox", checked: "", value: type }), element("span", { class: `dot ${colour(type)}` }), `${types[type]} (${number(count)})`)));
  at("author").append(element("option", { value: "" }, `all authors (${number(authors.length)})`));
  counts(AUTHOR, authors).forEach((count, author) => at("author").append(element("option", { value: author }, `${authors[author] || "(none)"} (${number(count)})`)));
  follow(true);
})();
