"""Which inputs the results of a guide follow from, for them to be kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from oncovivo.analyses.cache import ResultCache
from oncovivo.analyses.contract import input_digest
from oncovivo.analyses.design_protocol import ProtocolResult
from oncovivo.analyses.design_protocol_file import ProtocolFile
from oncovivo.analyses.guide_markers import PlacedMarkers
from oncovivo.analyses.project import GuideProject, MarkerEntry, SimulationEntry
from oncovivo.analyses.simulation_inputs import files_beside
from oncovivo.analyses.simulation_results import PlacedSimulation
from oncovivo.analyses.store import MARKERS, PROTOCOL, SIMULATIONS, STUDIES
from oncovivo.analyses.study_names import NamedStudy
from oncovivo.analyses.study_results import StudyResult

__all__ = ["KeptResults"]


class KeptResults:
    """The results of one project in a cache."""

    def __init__(self, project: GuideProject, cache: ResultCache) -> None:
        self._project = project
        self._cache = cache

    def simulation(
        self, entry: SimulationEntry, compute: Callable[[], PlacedSimulation]
    ) -> PlacedSimulation:
        """A simulation: its entry, its file, and the blocks and numbers beside it."""
        path = self._project.folder / entry.path
        files = [path, *(path.parent / name for name in files_beside(path))]
        inputs = [entry.model_dump(mode="json"), [_digest(file) for file in files]]
        (found,) = self._cache.get("simulation", inputs, SIMULATIONS, lambda: (compute(),))
        return found

    def study(self, named: NamedStudy, compute: Callable[[], StudyResult]) -> StudyResult:
        """A study: its entry and name, its files, and the tumor types that are known."""
        path = self._project.folder / named.entry.path
        place = path.parent if path.name == "study.toml" else path
        inputs = [
            named.entry.model_dump(mode="json"),
            named.id,
            named.study.study_id,
            named.study.line.name,
            [_digest(path), _digest(place)],
            sorted(self._project.identifiers.tumor_types),
        ]
        (found,) = self._cache.get("study", inputs, STUDIES, lambda: (compute(),))
        return found

    def markers(self, entry: MarkerEntry, compute: Callable[[], PlacedMarkers]) -> PlacedMarkers:
        """Markers: their entry, and every file below the places that it names."""
        inputs = [
            entry.model_dump(mode="json"),
            [
                [file.relative_to(place).as_posix(), *_digest(file)]
                for place in (
                    self._project.folder / name for name in (entry.path, *entry.features)
                )
                for file in (sorted(place.rglob("*")) if place.is_dir() else [place])
                if file.is_file()
            ],
        ]
        (found,) = self._cache.get("markers", inputs, MARKERS, lambda: (compute(),))
        return found

    def protocol(
        self, file: ProtocolFile, compute: Callable[[], ProtocolResult]
    ) -> ProtocolResult | None:
        """A protocol: the files that it is made of, and the guide's references."""
        folder = file.path.parent
        inputs = [
            [[name, *_digest(folder / name)] for name in file.places],
            self._project.library.to_json(),
        ]
        return self._cache.get("protocol", inputs, PROTOCOL, compute)


def _digest(path: Path) -> list[str]:
    """Name and digest of a file or folder."""
    found = input_digest(path)
    return [found.name, found.sha256]
