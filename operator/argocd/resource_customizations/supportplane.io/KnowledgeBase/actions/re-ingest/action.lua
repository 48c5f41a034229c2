-- The operator reads the documents again when this annotation has another text than before. The version of the object is
-- such a text: each write, this one too, makes another.
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["supportplane.io/read-again"] = "version " .. obj.metadata.resourceVersion
return obj
