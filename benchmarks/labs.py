"""Time the controls of every lab of the built book in Chromium: `make bench`.

What counts is the time from a move of a control to the changed and laid out page. A screen shows 60 pictures
in a second, so what takes less than a frame of 16.7 ms is seen at once. Each slider and menu is moved to up
to ten places, each box and button is pressed once (play is stopped again), and ten of a lab's cells are
chosen; nothing is typed. Controls that the lab did not offer at first are left out, and so are those that an
earlier move took away.
"""

import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "tools"))

FRAME = 1000 / 60

MOVE_ALL = """async lab => {
    lab.scrollIntoView();
    const some = all => {
        const step = Math.max(1, Math.ceil(all.length / 10));
        return all.filter((_, index) => index % step === 0);
    };
    const timed = async move => {
        // Between two moves of a hand the page is shown.
        await new Promise(shown => requestAnimationFrame(() => setTimeout(shown)));
        const start = performance.now();
        move();
        await Promise.resolve();
        await Promise.resolve();
        document.body.getBoundingClientRect();
        return performance.now() - start;
    };
    const set = (field, value) => {
        field.value = value;
        field.dispatchEvent(new Event("input", {bubbles: true}));
        field.dispatchEvent(new Event("change", {bubbles: true}));
    };
    const moves = field => {
        const to = values => some(values).map(value => () => set(field, value));
        if (field.matches("select")) return to([...field.options].map(({value}) => value));
        if (!field.matches("[type=range]")) return [() => field.click()];
        const {min, max, step} = field, count = Math.floor((max - min) / (step || 1)) + 1;
        return to(Array.from({length: count}, (_, index) => Number(min) + index * (step || 1)));
    };
    const cells = some([...lab.querySelectorAll(".lab-grid button")]);
    const fields = [...lab.querySelectorAll("select, button, input:not([type=number], [type=text])")]
        .filter(field => !field.closest(".lab-grid") && !field.disabled && field.checkVisibility());
    const times = [];
    for (const field of [...cells, ...fields]) {
        for (const move of moves(field)) {
            if (field.checkVisibility() && !field.disabled) times.push(await timed(move));
        }
        if (field.textContent === "pause") field.click();
    }
    return times;
}"""


def main() -> None:
    from offline import HTML, NotMade, browser

    try:
        if not (pages := sorted((HTML / "book").glob("[0-9]*.html"))):
            raise NotMade("there is no book yet: run 'make book' first")
        with browser() as chromium:
            print(f"Chromium {chromium.version}; milliseconds; a frame has {FRAME:.1f}")
            print(f"{'':30}{'moves':>7}{'median':>9}{'slowest':>9}")
            for path in pages:
                page = chromium.new_page(viewport={"width": 1200, "height": 900})
                page.goto(path.as_uri())
                page.evaluate("dispatchEvent(new Event('beforeprint'))")  # makes all labs
                for lab in page.locator("main .lab[data-lab]").all():
                    if times := lab.evaluate(MOVE_ALL):
                        name = f"{path.stem[:2]} {lab.get_attribute('data-lab')}"
                        print(f"{name:30}{len(times):7}{statistics.median(times):9.1f}{max(times):9.1f}")
                page.close()
    except NotMade as reason:
        sys.exit(f"labs.py: {reason}")


if __name__ == "__main__":
    main()
