"""A farm of virtual phones under faults: nothing lost, nothing counted twice, no phone kept."""
