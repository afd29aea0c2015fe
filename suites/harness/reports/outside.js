// What reaches beyond its cell, its chart or the page, and labels that cover each other.
() => {
  const width = document.documentElement.clientWidth;
  const found = document.documentElement.scrollWidth > width ? ["the page"] : [];
  const name = (node) => `${node.tagName}.${node.getAttribute("class")}: ${node.textContent.slice(0, 40)}`;
  for (const node of document.querySelectorAll("main .scroll, main td, main th, main p, main li")) {
    const box = node.getBoundingClientRect();
    const isCut = node.scrollWidth > node.clientWidth + 1 && node.clientWidth > 0;
    if (box.width && (isCut || box.right > width + 1 || box.left < -1)) found.push(name(node));
  }
  for (const chart of document.querySelectorAll("main .chart svg")) {
    const frame = chart.getBoundingClientRect();
    const labels = [...chart.querySelectorAll("text")].filter((one) => one.textContent && getComputedStyle(one).opacity !== "0");
    const boxes = labels.map((one) => one.getBoundingClientRect());
    boxes.forEach((box, at) => {
      if (box.left < frame.left - 1 || box.right > frame.right + 1) found.push(`clipped ${name(labels[at])}`);
      boxes.slice(0, at).forEach((other, before) => {
        const apart = box.left >= other.right || box.right <= other.left || box.top >= other.bottom || box.bottom <= other.top;
        if (!apart) found.push(`${name(labels[at])} over ${name(labels[before])}`);
      });
    });
  }
  return found;
}
