-- The operator repairs what changed while the agent was paused. An annotations table that would be empty goes as a whole:
-- Argo CD takes an empty table for a list and would put the old annotations back.
local annotations = obj.metadata.annotations
if annotations ~= nil then
  annotations["supportplane.io/paused"] = nil
  if next(annotations) == nil then
    obj.metadata.annotations = nil
  end
end
return obj
