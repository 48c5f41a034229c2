-- The operator changes nothing of a paused agent; its pods go on answering.
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["supportplane.io/paused"] = "true"
return obj
