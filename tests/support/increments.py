"""What a store makes of rows and of what is gone, told naively: a dictionary a table, for tests of the sources."""

from collections.abc import Iterable

from recon.objects import TABLES, Gone, ReadReport, Row

Key = tuple[object, ...]


class Rows:
    """The rows of one source. take() brings them up to date by one read, full or not."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[Key, tuple[tuple[object, ...], tuple[object, ...]]]] = {}
        self.links: dict[str, dict[Key, tuple[object, ...]]] = {}

    def take(self, rows: Iterable[Row | Gone], report: ReadReport) -> None:
        """Apply one read; of one key the last word counts."""
        read = list(rows)
        whole = {name for name, proof in report.tables.items() if proof.is_whole or not report.is_increment}
        for name in whole:
            self.objects.pop(name, None)
            self.links.pop(name, None)
        unread: set[Key] = set()
        gone: set[object] = set()
        for row in read:
            if row.table == "load_reject":
                continue
            spec = TABLES[row.table]
            if isinstance(row, Gone):
                self._forget(row)
                if spec.kind == "object":
                    gone.add(row.key[0])
                continue
            assert report.is_increment or not row.absent
            key = tuple(row.values[spec.position[name]] for name in spec.key)
            if spec.kind == "link":
                self.links.setdefault(row.table, {})[key] = row.values
                continue
            gone.discard(key[0])
            self.objects.setdefault(row.table, {})[key] = self._filled(row, key)
            for column in spec.columns:
                if column.counts and column.name not in row.absent and row.values[spec.position[column.name]] is None:
                    unread.add(key)
        for links in self.links.values():
            for link in [link for link in links if gone & {link[0], link[1]}]:
                del links[link]
        if report.is_increment:
            self._count(unread)

    def _forget(self, row: Gone) -> None:
        if TABLES[row.table].kind == "object":
            self.objects.setdefault(row.table, {}).pop(row.key, None)
            return
        links = self.links.setdefault(row.table, {})
        for link in [link for link in links if link[: len(row.key)] == row.key]:
            del links[link]

    def _filled(self, row: Row, key: Key) -> tuple[tuple[object, ...], tuple[object, ...]]:
        before = self.objects.get(row.table, {}).get(key)
        children = tuple(sorted(row.children, key=repr))
        if before is None or not row.absent:
            return row.values, children
        columns = TABLES[row.table].columns
        values = tuple(
            old if column.name in row.absent else new
            for column, old, new in zip(columns, before[0], row.values, strict=True)
        )
        kept = [child for child in before[1] if child[0] in row.absent]
        return values, tuple(sorted([*(child for child in children if child[0] not in row.absent), *kept], key=repr))

    def _count(self, unread: set[Key]) -> None:
        for name, objects in self.objects.items():
            for column in TABLES[name].columns:
                if column.counts is None or column.counts not in self.links:
                    continue
                place = TABLES[name].position[column.name]
                for key, (values, children) in objects.items():
                    if key not in unread:
                        number = sum(1 for link in self.links[column.counts] if link[0] == key[0])
                        objects[key] = ((*values[:place], number, *values[place + 1 :]), children)
