-- What may be done now: an agent is either paused or it is not, and nothing but resuming has an effect on a paused one.
local annotations = obj.metadata.annotations
local paused = annotations ~= nil and annotations["supportplane.io/paused"] == "true"
local actions = {}
actions["pause"] = {["disabled"] = paused, ["displayName"] = "Pause", ["iconClass"] = "fa fa-fw fa-pause"}
actions["resume"] = {["disabled"] = not paused, ["displayName"] = "Resume", ["iconClass"] = "fa fa-fw fa-play"}
actions["mode"] = {
  ["disabled"] = paused,
  ["displayName"] = "Set the mode: Auto or HandoffOnly",
  ["iconClass"] = "fa fa-fw fa-user",
  ["params"] = {{["name"] = "mode"}}
}
return actions
